using static TorchSharp.torch;

namespace MLNet.Ssl.Fuzz;

/// <summary>
/// The watched process: writes a damaged file, says its seed on standard output, lets the reader have it,
/// says how that ended, and so on for ever. A file may be read or refused by a message that names it;
/// whatever else happens ends the process.
/// </summary>
internal static class Feeder
{
    public const string Begin = "begin", Read = "read", Refused = "refused", Failed = "failed";

    public static int Run(Reader reader, int seed, string folder)
    {
        string path = Path.Combine(folder, reader.FileName);
        for (; ; seed++)
        {
            var bytes = reader.Damaged(seed);
            File.WriteAllBytes(path, bytes);
            Say($"{Begin} {seed}");
            long before = GC.GetAllocatedBytesForCurrentThread();
            string end = Read;
            try
            {
                using var scope = NewDisposeScope();
                if (!reader.Accepts(path)) end = Refused;
            }
            catch (InvalidDataException e) when (e.Message.Contains(path, StringComparison.Ordinal))
            {
                end = Refused;
            }
            catch (Exception e)
            {
                Say($"{Failed} {e}");
                return 1;
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before,
                most = reader.BaseBytes + Reader.BytesEach * bytes.Length;
            if (allocated > most)
            {
                Say($"{Failed} it took {allocated:N0} bytes of memory in all; a file of {bytes.Length:N0} may take "
                    + $"{most:N0}");
                return 1;
            }
            Say(end);
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line.ReplaceLineEndings(" | "));
        Console.Out.Flush();
    }
}
