using MLNet.Ssl.Tests;

namespace MLNet.Ssl.Soak;

/// <summary>Every method trains 40 steps under two collecting threads, to the bits of a run without them.</summary>
internal static class TrainingUnderPressure
{
    public static void Run(Tally tally)
    {
        var expected = new Dictionary<string, Dictionary<string, byte[]>>();
        // Another one first every time: a short soak does not reach them all.
        int first = Random.Shared.Next(SmallRuns.All.Count);
        for (int i = 0; i == 0 || tally.IsTimeLeft; i++)
        {
            string name = SmallRuns.All.Keys.ElementAt((first + i) % SmallRuns.All.Count);
            tally.Try("runs, " + name, () =>
            {
                if (!expected.ContainsKey(name)) expected[name] = Train(name);
                using var pressure = new Pressure();
                SmallRuns.AssertSame(expected[name], Train(name));
            });
        }
    }

    private static Dictionary<string, byte[]> Train(string name) =>
        SmallRuns.Train(SmallRuns.Of(name) with { Epochs = 10 });

    private sealed class Pressure : IDisposable
    {
        private readonly Thread[] _collectors;
        private volatile bool _stop;

        public Pressure()
        {
            _collectors = [new(Collect), new(Collect)];
            foreach (var thread in _collectors) thread.Start();
        }

        public void Dispose()
        {
            _stop = true;
            foreach (var thread in _collectors) thread.Join();
        }

        private void Collect()
        {
            while (!_stop)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        }
    }
}
