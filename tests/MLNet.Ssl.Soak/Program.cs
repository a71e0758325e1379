using System.CommandLine;

namespace MLNet.Ssl.Soak;

/// <summary>
/// <c>--minutes N</c> runs the parts one after another, each in a process of its own that this one watches; <c>part</c>
/// is such a process, and <c>train</c> a training run that one of them kills.
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        switch (args)
        {
            case ["part", var name, var seconds]:
                Part.All[name](new Tally(double.Parse(seconds)));
                return 0;
            case ["train", var folder, var run]:
                KilledTraining.Train(folder, run);
                return 0;
        }
        var minutes = new Option<double>("--minutes")
        {
            Description = "Time for all parts together",
            DefaultValueFactory = _ => 10
        };
        minutes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double>() is not (> 0 and <= 100_000))
                result.AddError("--minutes must be above 0.");
        });
        var command = new RootCommand(
            "Trains, kills, predicts and serves for a long time, and tells what was lost or wrong.") { minutes };
        command.SetAction(options => Soak(TimeSpan.FromMinutes(options.GetValue(minutes)) / Part.All.Count));
        return command.Parse(args).Invoke();
    }

    private static int Soak(TimeSpan each)
    {
        long failures = 0;
        Console.WriteLine($"{"part",-12}{"what",-56}{"tried",10}{"lost",7}{"wrong",7}{"peak MiB",10}");
        foreach (string part in Part.All.Keys)
        {
            var result = Part.Watch(part, each);
            foreach (var (what, row) in result.Rows)
            {
                failures += row.Lost + row.Wrong;
                Console.WriteLine(
                    $"{part,-12}{what,-56}{row.Tried,10}{row.Lost,7}{row.Wrong,7}{result.PeakBytes >> 20,10}");
            }
        }
        Console.WriteLine(failures == 0 ? "Nothing was lost or wrong." : $"{failures} were lost or wrong.");
        return failures == 0 ? 0 : 1;
    }
}
