namespace MLNet.Ssl.Benchmarks;

/// <summary>What this library is compared with: a program that takes a mode and options
/// and prints a line of JSON.</summary>
/// <param name="Name">How the table calls it.</param>
/// <param name="Program">The program.</param>
/// <param name="Arguments">What comes before the mode.</param>
internal sealed record OtherSide(string Name, string Program, params string[] Arguments)
{
    public const string Plain = "plain", PyTorchName = "PyTorch";

    /// <summary>A plain loop in TorchSharp, in this program.</summary>
    public static OtherSide PlainLoop(string command) => new("plain TorchSharp", Environment.ProcessPath!, command);

    /// <summary>A Python script beside this program.</summary>
    public static OtherSide PyTorch(string python, string script) =>
        new(PyTorchName, python, Path.Combine(AppContext.BaseDirectory, script));
}
