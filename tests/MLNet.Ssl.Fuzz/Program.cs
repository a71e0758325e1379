using System.CommandLine;
using Xunit.Runner.InProc.SystemConsole;

namespace MLNet.Ssl.Fuzz;

/// <summary>
/// The test program: runs the tests; <c>fuzz --minutes N</c> feeds damaged files to the readers, each in a process of
/// its own that this one watches; <c>read</c> is such a process.
/// </summary>
internal static class Program
{
    public static int Main(string[] args) => args switch
    {
        ["fuzz", ..] => Command().Parse(args[1..]).Invoke(),
        ["read", var reader, var seed, var folder] => Feeder.Run(Reader.Named(reader), int.Parse(seed), folder),
        _ => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
    };

    private static RootCommand Command()
    {
        var minutes = new Option<double>("--minutes")
        {
            Description = "Time for all readers together",
            DefaultValueFactory = _ => 10
        };
        var reader = new Option<string?>("--reader") { Description = "One reader alone" };
        var seed = new Option<int?>("--seed")
        {
            Description =
            "Seed of the first file; each next one has the next; another every time by default"
        };
        var files = new Option<int?>("--files")
        {
            Description =
            "Files a reader gets at most; 1 with --reader and --seed repeats one"
        };
        reader.AcceptOnlyFromAmong([.. Reader.All.Select(r => r.Name)]);
        var command =
            new RootCommand("Feeds damaged and hostile files to the readers.") { minutes, reader, seed, files };
        command.SetAction(options =>
        {
            var readers = Reader.All.Where(r => options.GetValue(reader) is not { } name || r.Name == name).ToList();
            int first = options.GetValue(seed) ?? Random.Shared.Next(1 << 30), failures = 0;
            Console.WriteLine($"{"reader",-12}{"first seed",12}{"files",10}{"refused",10}{"MiB",8}  slowest");
            foreach (var each in readers)
            {
                var result = Watch.Over(each, first, TimeSpan.FromMinutes(options.GetValue(minutes)) / readers.Count,
                    options.GetValue(files) ?? int.MaxValue);
                Console.WriteLine(
                    $"{each.Name,-12}{first,12}{result.Files,10}{result.Refused,10}{result.PeakBytes >> 20,8}  "
                    + $"{result.Slowest.TotalSeconds:0.000} s");
                if (result.Failure is not { } failure) continue;
                failures++;
                Console.WriteLine($"  {failure}");
            }
            return failures == 0 ? 0 : 1;
        });
        return command;
    }
}
