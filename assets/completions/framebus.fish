# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_framebus_global_optspecs
    string join \n h/help V/version
end

function __fish_framebus_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_framebus_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_framebus_using_subcommand
    set -l cmd (__fish_framebus_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c framebus -n "__fish_framebus_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_needs_command" -s V -l version -d 'Print version'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "demo" -d 'See it work: two processes, every pixel checked, compared with a pipe'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "pub" -d 'Publish a test pattern, images or video'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "sub" -d 'Receive a stream: write PNG, y4m or raw video, or count'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "ls" -d 'List the streams that live now'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "top" -d 'Watch the speed of the streams'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "bench" -d 'Measure framebus on this machine'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "generate" -d 'Write man pages or shell completions'
complete -c framebus -n "__fish_framebus_needs_command" -f -a "painter" -d 'The other process of `demo` and `bench`'
complete -c framebus -n "__fish_framebus_using_subcommand demo" -l png -d 'Where to write the picture' -r -F
complete -c framebus -n "__fish_framebus_using_subcommand demo" -l seconds -d 'How long each of the eight parts takes' -r
complete -c framebus -n "__fish_framebus_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l image -d 'Publish an image file, or all images of a folder in the order of their names' -r -F
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l y4m -d 'Publish y4m video; `-` is standard input' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l raw -d 'Publish raw video of the given --size and --format; `-` is standard input' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l size -d 'Size of the test pattern or of raw video' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l format -d 'Pixel format; ffmpeg\'s names are understood too' -r -f -a "gray8\t''
gray16le\t''
rgb8\t''
bgr8\t''
rgba8\t''
bgra8\t''
rgbx8\t''
bgrx8\t''
rgb565le\t''
rgba16le\t''
grayf32le\t''
rgbaf32le\t''
yuyv\t''
uyvy\t''
nv12\t''
nv21\t''
i420\t''
i422\t''
i444\t''
p010le\t''
bayer_rggb8\t''
bayer_bggr8\t''
bayer_grbg8\t''
bayer_gbrg8\t''
bayer_rggb16le\t''
bayer_bggr16le\t''
bayer_grbg16le\t''
bayer_gbrg16le\t''
mono1\t''"
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l fps -d 'Frames per second, or `max` for as fast as it goes. A test pattern has 60, a folder of images 1, y4m what it says; raw video goes as fast as it comes' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l count -d 'End after this many frames' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l subscribers -d 'Start when this many subscribers are there' -r
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l pattern -d 'Publish a moving test pattern with frame number and time (this is the default)'
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l loop -d 'Start again from the beginning when the input ends'
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l on-demand -d 'Paint only when a subscriber asks for a picture (`framebus sub --request`)'
complete -c framebus -n "__fish_framebus_using_subcommand pub" -l lossless -d 'Wait for lossless subscribers (recorders) instead of letting them miss frames'
complete -c framebus -n "__fish_framebus_using_subcommand pub" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l png -d 'Write one PNG, or one for every frame when the path has a `%d` (or `%05d`) for its number' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l y4m -d 'Write y4m video; `-` is standard output' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l raw -d 'Write raw video, rows packed; `-` is standard output' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l count -d 'End after this many frames' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l fps -d 'The rate to write into video; otherwise what the publisher says, or what is measured' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l wait -d 'Wait this long for the stream to appear' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l queue -d 'Take every frame, lagging behind by at most this many; a `pub --lossless` waits, others go on (the default for video and numbered PNGs, with 32)' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l request -d 'Ask for every frame, with these bytes for the publisher' -r
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l print-ffmpeg-args -d 'Tell on standard error with which arguments ffmpeg reads the output'
complete -c framebus -n "__fish_framebus_using_subcommand sub" -l latest -d 'Take the newest frame, skipping what came between (the default for one PNG and counting)'
complete -c framebus -n "__fish_framebus_using_subcommand sub" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand ls" -l json -d 'Write a JSON array'
complete -c framebus -n "__fish_framebus_using_subcommand ls" -s h -l help -d 'Print help'
complete -c framebus -n "__fish_framebus_using_subcommand top" -l count -d 'End after this many seconds' -r
complete -c framebus -n "__fish_framebus_using_subcommand top" -l json -d 'Write one line of JSON for each stream and second'
complete -c framebus -n "__fish_framebus_using_subcommand top" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand bench" -l once -d 'Run every part for a moment only, to see that it works'
complete -c framebus -n "__fish_framebus_using_subcommand bench" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c framebus -n "__fish_framebus_using_subcommand painter" -s h -l help -d 'Print help'
