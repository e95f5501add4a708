
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'framebus' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'framebus'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'framebus' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'See it work: two processes, every pixel checked, compared with a pipe')
            [CompletionResult]::new('pub', 'pub', [CompletionResultType]::ParameterValue, 'Publish a test pattern, images or video')
            [CompletionResult]::new('sub', 'sub', [CompletionResultType]::ParameterValue, 'Receive a stream: write PNG, y4m or raw video, or count')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the streams that live now')
            [CompletionResult]::new('top', 'top', [CompletionResultType]::ParameterValue, 'Watch the speed of the streams')
            [CompletionResult]::new('bench', 'bench', [CompletionResultType]::ParameterValue, 'Measure framebus on this machine')
            [CompletionResult]::new('generate', 'generate', [CompletionResultType]::ParameterValue, 'Write man pages or shell completions')
            [CompletionResult]::new('painter', 'painter', [CompletionResultType]::ParameterValue, 'The other process of `demo` and `bench`')
            break
        }
        'framebus;demo' {
            [CompletionResult]::new('--png', '--png', [CompletionResultType]::ParameterName, 'Where to write the picture')
            [CompletionResult]::new('--seconds', '--seconds', [CompletionResultType]::ParameterName, 'How long each of the eight parts takes')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;pub' {
            [CompletionResult]::new('--image', '--image', [CompletionResultType]::ParameterName, 'Publish an image file, or all images of a folder in the order of their names')
            [CompletionResult]::new('--y4m', '--y4m', [CompletionResultType]::ParameterName, 'Publish y4m video; `-` is standard input')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Publish raw video of the given --size and --format; `-` is standard input')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Size of the test pattern or of raw video')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Pixel format; ffmpeg''s names are understood too')
            [CompletionResult]::new('--fps', '--fps', [CompletionResultType]::ParameterName, 'Frames per second, or `max` for as fast as it goes. A test pattern has 60, a folder of images 1, y4m what it says; raw video goes as fast as it comes')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after this many frames')
            [CompletionResult]::new('--subscribers', '--subscribers', [CompletionResultType]::ParameterName, 'Start when this many subscribers are there')
            [CompletionResult]::new('--pattern', '--pattern', [CompletionResultType]::ParameterName, 'Publish a moving test pattern with frame number and time (this is the default)')
            [CompletionResult]::new('--loop', '--loop', [CompletionResultType]::ParameterName, 'Start again from the beginning when the input ends')
            [CompletionResult]::new('--on-demand', '--on-demand', [CompletionResultType]::ParameterName, 'Paint only when a subscriber asks for a picture (`framebus sub --request`)')
            [CompletionResult]::new('--lossless', '--lossless', [CompletionResultType]::ParameterName, 'Wait for lossless subscribers (recorders) instead of letting them miss frames')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;sub' {
            [CompletionResult]::new('--png', '--png', [CompletionResultType]::ParameterName, 'Write one PNG, or one for every frame when the path has a `%d` (or `%05d`) for its number')
            [CompletionResult]::new('--y4m', '--y4m', [CompletionResultType]::ParameterName, 'Write y4m video; `-` is standard output')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Write raw video, rows packed; `-` is standard output')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after this many frames')
            [CompletionResult]::new('--fps', '--fps', [CompletionResultType]::ParameterName, 'The rate to write into video; otherwise what the publisher says, or what is measured')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait this long for the stream to appear')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Take every frame, lagging behind by at most this many; a `pub --lossless` waits, others go on (the default for video and numbered PNGs, with 32)')
            [CompletionResult]::new('--request', '--request', [CompletionResultType]::ParameterName, 'Ask for every frame, with these bytes for the publisher')
            [CompletionResult]::new('--print-ffmpeg-args', '--print-ffmpeg-args', [CompletionResultType]::ParameterName, 'Tell on standard error with which arguments ffmpeg reads the output')
            [CompletionResult]::new('--latest', '--latest', [CompletionResultType]::ParameterName, 'Take the newest frame, skipping what came between (the default for one PNG and counting)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;ls' {
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write a JSON array')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'framebus;top' {
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after this many seconds')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Write one line of JSON for each stream and second')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;bench' {
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Run every part for a moment only, to see that it works')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;generate' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'framebus;painter' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
