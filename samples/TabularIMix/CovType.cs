using System.Globalization;
using System.IO.Compression;

namespace TabularIMix;

/// <summary>
/// A text file as CovType's: 10 continuous values, 4 + 40 indicators and a class from 1 to 7 a line, the training rows
/// first.
/// </summary>
internal sealed class CovType : IDisposable
{
    public const int TrainRows = 15_120;

    private static readonly string[] Names = ["covtype.data.gz", "covtype.data"];

    private readonly bool _isTemporary;

    private CovType(string path, bool isTemporary) => (Path, _isTemporary) = (path, isTemporary);

    public string Path { get; }

    /// <summary>
    /// The first source that is there: the file or folder named, the folder of MLNETSSL_DATA, a drawn table.
    /// </summary>
    /// <exception cref="FileNotFoundException">The named file or folder has no CovType.</exception>
    public static CovType Open(string? named, Action<string> log)
    {
        string? found = named is null ? Find(Environment.GetEnvironmentVariable("MLNETSSL_DATA")) : Find(named);
        if (found is null && named is not null)
            throw new FileNotFoundException(
                $"{named}: expected {string.Join(" or ", Names)}, or a folder with one of them.");
        if (found is null)
        {
            log($"data: {TrainRows + 20_000:N0} drawn rows of seven classes, not CovType; for that, --data or "
                + "MLNETSSL_DATA");
            return Temporary(Draw);
        }
        log($"data: CovType, {found}");
        return found.EndsWith(".gz", StringComparison.Ordinal) ? Temporary(to => Unzip(found, to)) : new(found, false);
    }

    public void Dispose()
    {
        if (_isTemporary) File.Delete(Path);
    }

    private static string? Find(string? place) => string.IsNullOrEmpty(place) ? null : File.Exists(place) ? place
        : new[] { place, System.IO.Path.Combine(place, "covtype") }.SelectMany(folder => Names, System.IO.Path.Combine)
            .FirstOrDefault(File.Exists);

    private static CovType Temporary(Action<Stream> write)
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            using (var file = File.Create(path)) write(file);
            return new(path, true);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    private static void Unzip(string path, Stream to)
    {
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        gzip.CopyTo(to);
    }

    /// <summary>
    /// Seven classes of two clusters each, on curved sheets in ten dimensions, with indicators that tell a little of
    /// the cluster.
    /// </summary>
    private static void Draw(Stream to)
    {
        var random = new Random(1);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(
            2 * Math.PI * random.NextDouble());
        var centers = Enumerable.Range(0, 14 * 10).Select(_ => Normal()).ToArray();
        using var writer = new StreamWriter(to);
        for (int row = 0; row < TrainRows + 20_000; row++)
        {
            int cluster = random.Next(14);
            double bend = Normal();
            var continuous = Enumerable.Range(0, 10)
                .Select(j => 300 + 100 * (centers[cluster * 10 + j] + Math.Sin(bend * (1 + j % 3) + cluster)
                + 0.5 * Normal()));
            int area = random.NextDouble() < 0.7 ? cluster % 4 : random.Next(4), soil = random.NextDouble() < 0.5
                ? 2 * cluster + random.Next(12) : random.Next(40);
            var indicators = Enumerable.Range(0, 44).Select(i => i == area || i == 4 + soil ? 1 : 0);
            writer.WriteLine(string.Join(',',
                continuous.Select(v => v.ToString("0", CultureInfo.InvariantCulture))
                .Concat(indicators.Select(i => $"{i}"))
                .Append($"{1 + cluster % 7}")));
        }
    }
}
