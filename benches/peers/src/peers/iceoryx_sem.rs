//! An iceoryx2 service whose events are semaphores in shared memory.
//!
//! The library's own `ipc::Service` wakes through a datagram socket; it carries a faster event and
//! leaves the choice to whoever writes a service type. Everything else is as in `ipc::Service`.

use std::fmt::Debug;

use iceoryx2::service::Service;
use iceoryx2::service::internal::ServiceInternal;
use iceoryx2::unique_id_generator::unique_system_id::UniqueSystemId;
use iceoryx2_bb_elementary_traits::testing::abandonable::Abandonable;
use iceoryx2_bb_elementary_traits::zero_copy_send::ZeroCopySend;
use iceoryx2_cal::shm_allocator::bump_allocator::BumpAllocator;
use iceoryx2_cal::shm_allocator::pool_allocator::PoolAllocator;
use iceoryx2_cal::*;

/// `ipc::Service` with semaphore events.
#[derive(Debug, Clone)]
pub struct SemaphoreService;

impl Service for SemaphoreService {
    type StaticStorage = static_storage::recommended::Ipc;
    type ConfigSerializer = serialize::recommended::Recommended;
    type PersistentDynamicStorage<T: Debug + Send + Sync + ZeroCopySend + 'static> =
        dynamic_storage::recommended::PersistentIpc<T>;
    type Bag = bag::recommended::Recommended;
    type DynamicStorage<T: Debug + Send + Sync + ZeroCopySend + 'static> =
        dynamic_storage::recommended::Ipc<T>;
    type ServiceNameHasher = hash::recommended::Recommended;
    type SharedMemory = shared_memory::recommended::Ipc<PoolAllocator>;
    type ResizableSharedMemory = resizable_shared_memory::recommended::Ipc<PoolAllocator>;
    type Connection = zero_copy_connection::recommended::Ipc;
    type Event = event::SemaphoreShmCountingBitSet;
    type Monitoring = monitoring::recommended::Ipc;
    type Reactor = reactor::recommended::Ipc;
    type ArcThreadSafetyPolicy<T: Send + Debug + Abandonable> =
        arc_sync_policy::single_threaded::SingleThreaded<T>;
    type BlackboardMgmt<T: Send + Sync + Debug + ZeroCopySend + 'static> =
        dynamic_storage::recommended::Ipc<T>;
    type BlackboardPayload = shared_memory::recommended::Ipc<BumpAllocator>;
    type UniqueId = UniqueSystemId;
}

impl ServiceInternal<SemaphoreService> for SemaphoreService {}
