namespace MLNet.Ssl.Onnx;

/// <summary>
/// Columns between the steps of a saved chain, which are not left in what it gives. Custom mappings find columns by
/// names that are known when they are compiled, and those of an ONNX model are in its file.
/// </summary>
internal static class Columns
{
    public const string Input = "MLNet.Ssl.Input", One = "MLNet.Ssl.One", Settings = "MLNet.Ssl.Settings",
        Pixels = "MLNet.Ssl.Pixels", Result = "MLNet.Ssl.Result", Class = "MLNet.Ssl.Class", Name = "MLNet.Ssl.Name";

    public static bool IsBetween(string name) => name is Input or One or Settings or Pixels or Result or Class or Name;
}
