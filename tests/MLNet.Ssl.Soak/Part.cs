using System.Diagnostics;
using System.Text.Json;

namespace MLNet.Ssl.Soak;

/// <summary>The parts, and how one runs in a process of its own: a crash is counted, and
/// leaves the others their turn.</summary>
internal static class Part
{
    /// <summary>For what a part has begun when its time is over.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    public static IReadOnlyDictionary<string, Action<Tally>> All { get; } = new Dictionary<string, Action<Tally>>
    {
        ["training"] = Of(TrainingUnderPressure.Run),
        ["kills"] = Of(KilledTraining.Run),
        ["predictions"] = Of(PooledPredictions.Run),
        ["service"] = Of(tally => ServiceUnderLoad.RunAsync(tally).GetAwaiter().GetResult()),
    };

    public static Tally.State Watch(string part, TimeSpan time)
    {
        var start = Command("part", part, $"{time.TotalSeconds}");
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        var state = new Tally.State([], 0);
        process.OutputDataReceived += (_, line) =>
            state = line.Data?.StartsWith('{') == true ? JsonSerializer.Deserialize<Tally.State>(line.Data)! : state;
        process.BeginOutputReadLine();
        bool hasEnded = process.WaitForExit(time + Grace);
        if (!hasEnded) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        if (process.ExitCode != 0)
            state.Rows[hasEnded ? $"process, ended with {process.ExitCode}" : "process, did not end"] = new(1, 1, 0);
        return state;
    }

    /// <summary>How to start this program with these arguments.</summary>
    public static ProcessStartInfo Command(params string[] arguments) =>
        new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? "dotnet", ["exec", typeof(Part).Assembly.Location, .. arguments]);

    private static Action<Tally> Of(Action<Tally> run) => tally =>
    {
        run(tally);
        tally.Print();
    };
}
