//! Processors and caches, from the vDSO and sysfs.

use crate::machine::Caches;

#[inline]
pub(crate) fn current_cpu() -> u32 {
    rustix::thread::sched_getcpu() as u32
}

pub(crate) fn online_cpus() -> usize {
    // SAFETY: asks for a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}

/// A size as sysfs writes it: "1024K", "32M".
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1 << 10),
        b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

pub(crate) fn caches() -> Option<Caches> {
    let of_level = |level: u32| {
        (0..8).find_map(|index| {
            let folder = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
            let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).ok();
            let fits =
                read("level")?.trim() == level.to_string() && read("type")?.trim() != "Instruction";
            if fits { size(&read("size")?) } else { None }
        })
    };
    let l2 = of_level(2)?;
    Some(Caches {
        l2,
        l3: of_level(3).unwrap_or(l2),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_read_as_sysfs_writes_them() {
        assert_eq!(super::size("1024K\n"), Some(1 << 20));
        assert_eq!(super::size("32M"), Some(32 << 20));
        assert_eq!(super::size("77"), Some(77));
        assert_eq!(super::size("K"), None);
        assert_eq!(super::size(""), None);
    }
}
