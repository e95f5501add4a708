
use builtin;
use str;

set edit:completion:arg-completer[framebus] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'framebus'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'framebus'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand demo 'See it work: two processes, every pixel checked, compared with a pipe'
            cand pub 'Publish a test pattern, images or video'
            cand sub 'Receive a stream: write PNG, y4m or raw video, or count'
            cand ls 'List the streams that live now'
            cand top 'Watch the speed of the streams'
            cand bench 'Measure framebus on this machine'
            cand generate 'Write man pages or shell completions'
            cand painter 'The other process of `demo` and `bench`'
        }
        &'framebus;demo'= {
            cand --png 'Where to write the picture'
            cand --seconds 'How long each of the eight parts takes'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;pub'= {
            cand --image 'Publish an image file, or all images of a folder in the order of their names'
            cand --y4m 'Publish y4m video; `-` is standard input'
            cand --raw 'Publish raw video of the given --size and --format; `-` is standard input'
            cand --size 'Size of the test pattern or of raw video'
            cand --format 'Pixel format; ffmpeg''s names are understood too'
            cand --fps 'Frames per second, or `max` for as fast as it goes. A test pattern has 60, a folder of images 1, y4m what it says; raw video goes as fast as it comes'
            cand --count 'End after this many frames'
            cand --subscribers 'Start when this many subscribers are there'
            cand --pattern 'Publish a moving test pattern with frame number and time (this is the default)'
            cand --loop 'Start again from the beginning when the input ends'
            cand --on-demand 'Paint only when a subscriber asks for a picture (`framebus sub --request`)'
            cand --lossless 'Wait for lossless subscribers (recorders) instead of letting them miss frames'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;sub'= {
            cand --png 'Write one PNG, or one for every frame when the path has a `%d` (or `%05d`) for its number'
            cand --y4m 'Write y4m video; `-` is standard output'
            cand --raw 'Write raw video, rows packed; `-` is standard output'
            cand --count 'End after this many frames'
            cand --fps 'The rate to write into video; otherwise what the publisher says, or what is measured'
            cand --wait 'Wait this long for the stream to appear'
            cand --queue 'Take every frame, lagging behind by at most this many; a `pub --lossless` waits, others go on (the default for video and numbered PNGs, with 32)'
            cand --request 'Ask for every frame, with these bytes for the publisher'
            cand --print-ffmpeg-args 'Tell on standard error with which arguments ffmpeg reads the output'
            cand --latest 'Take the newest frame, skipping what came between (the default for one PNG and counting)'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;ls'= {
            cand --json 'Write a JSON array'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'framebus;top'= {
            cand --count 'End after this many seconds'
            cand --json 'Write one line of JSON for each stream and second'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;bench'= {
            cand --once 'Run every part for a moment only, to see that it works'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;generate'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'framebus;painter'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
