using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;

namespace MLNet.Ssl.Tests;

/// <summary>Event files, read back by the format's published description: framing, checksum and field numbers are
/// written down here once more.</summary>
public sealed class TensorBoardWriterTests
{
    private static readonly TrainingProgress First =
        new(5, 20, 1, 2, 2.5, 0.125, 800, 0.25, TimeSpan.Zero, 0.75, 0.5, null, 0.875);

    private static readonly TrainingProgress Second =
        new(20, 20, 2, 2, 0, 0.0625, 900, 0, TimeSpan.Zero, 0.5, null, 0.625);

    [Theory]
    [InlineData("123456789", 0xE3069283)]
    [InlineData("", 0)]
    [InlineData("a", 0xC1D04330)]
    public void TheChecksumIsCrc32C(string text, uint expected)
    {
        Assert.Equal(expected, RecordStream.Crc32C(Encoding.ASCII.GetBytes(text)));
        Assert.Equal(expected, Crc(Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void TheChecksumsOfRfc3720AreMet()
    {
        // Appendix B.4: 32 bytes of zeros, of ones, rising, falling.
        Assert.Equal(0x8A9136AAu, RecordStream.Crc32C(new byte[32]));
        Assert.Equal(0x62A8AB43u, RecordStream.Crc32C([.. Enumerable.Repeat((byte)255, 32)]));
        Assert.Equal(0x46DD794Eu, RecordStream.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0x113FDB5Cu, RecordStream.Crc32C([.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))]));
    }

    [Fact]
    public void AFileHoldsItsVersionAndTheScalarsOfEveryReport()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "runs", "first"), path;
        using (var writer = new TensorBoardWriter(run))
        {
            path = writer.FilePath;
            writer.Report(First);
            // Flushed: a reader sees it while the writer is open.
            Assert.Equal(2, Events(path).Count);
            writer.Report(Second);
        }
        Assert.Equal(run, Path.GetDirectoryName(path));
        Assert.Matches(@"^events\.out\.tfevents\.\d{10}\..+", Path.GetFileName(path));

        var events = Events(path);
        Assert.Equal(3, events.Count);
        Assert.Equal("brain.Event:2", events[0].Version);
        Assert.Equal([0L, 5, 20], events.Select(e => e.Step));
        Assert.All(events.Zip(events.Skip(1)), pair => Assert.True(pair.First.WallTime <= pair.Second.WallTime));
        Assert.Equal(
            "loss 2.5, learning_rate 0.125, embedding_std 0.75, teacher_entropy 0.5, teacher_momentum 0.875, "
            + "rows_per_second 800, data_wait 0.25",
            Text(events[1]));
        // What was not measured is left out, and what is zero is not.
        Assert.Equal("loss 0, learning_rate 0.0625, embedding_std 0.5, rows_per_second 900, data_wait 0, knn 0.625",
            Text(events[2]));
    }

    [Fact]
    public void TwoWritersOfOneFolderHaveAFileEach()
    {
        using var folder = new TemporaryFolder();
        using TensorBoardWriter first = new(folder.Path), second = new(folder.Path);
        Assert.NotEqual(first.FilePath, second.FilePath);
    }

    [Fact]
    public void AClosedWriterRefusesReports()
    {
        using var folder = new TemporaryFolder();
        var writer = new TensorBoardWriter(folder.Path);
        writer.Dispose();
        writer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => writer.Report(First));
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsRefused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("file"), "");
        Assert.ThrowsAny<IOException>(() => new TensorBoardWriter(folder.File("file")));
        Assert.Throws<ArgumentException>(() => new TensorBoardWriter(" "));
    }

    /// <summary>Why there is a writer here at all: once TorchSharp's keeps these, it will do.</summary>
    [Fact]
    public void TorchSharpsOwnWriterLosesTheTimeAndTakesAnEventForEveryScalar()
    {
        using var folder = new TemporaryFolder();
        var writer = TorchSharp.torch.utils.tensorboard.SummaryWriter(folder.Path);
        writer.add_scalar("loss", 2.5f, 5);
        writer.add_scalar("knn", 0.5f, 5);
        var events = Events(Assert.Single(Directory.GetFiles(folder.Path)));
        Assert.Equal(["", "loss 2.5", "knn 0.5"], events.Select(Text));
        // Ticks where seconds belong: TensorBoard takes the first event for the run's start.
        Assert.True(events[0].WallTime > 1e17);
        // Whole seconds: reports of the same second lie upon each other.
        Assert.All(events[1..], e => Assert.Equal(Math.Floor(e.WallTime), e.WallTime));
        // A step is an int, and there is nothing that names the file.
        Assert.Equal(typeof(int), writer.GetType().GetMethod("add_scalar")!.GetParameters()[2].ParameterType);
        Assert.Equal(["LogDir"], writer.GetType().GetProperties().Select(property => property.Name));
    }

    private static string Text(Event e) =>
        string.Join(", ", e.Scalars.Select(scalar => FormattableString.Invariant($"{scalar.Tag} {scalar.Value}")));

    private sealed record Event(double WallTime, long Step, string Version, List<(string Tag, float Value)> Scalars);

    private static List<Event> Events(string path)
    {
        using var shared = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[shared.Length];
        shared.ReadExactly(bytes);
        var events = new List<Event>();
        for (int at = 0; at < bytes.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)));
            Assert.Equal(Masked(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var data = bytes.AsSpan(at + 12, length);
            Assert.Equal(Masked(data), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            events.Add(Parse(data.ToArray()));
            at += 12 + length + 4;
        }
        return events;
    }

    private static Event Parse(byte[] data)
    {
        var input = new CodedInputStream(data);
        var (time, step, version, scalars) = (0.0, 0L, "", new List<(string, float)>());
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1: time = input.ReadDouble(); break;
                case 2: step = input.ReadInt64(); break;
                case 3: version = input.ReadString(); break;
                case 5: scalars.AddRange(Summary(input.ReadBytes().ToByteArray())); break;
                default: Assert.Fail($"field {tag >> 3}"); break;
            }
        }
        return new(time, step, version, scalars);
    }

    private static IEnumerable<(string, float)> Summary(byte[] data)
    {
        var input = new CodedInputStream(data);
        while (input.ReadTag() is not 0 and var tag)
        {
            Assert.Equal(1, WireFormat.GetTagFieldNumber(tag));
            var value = new CodedInputStream(input.ReadBytes().ToByteArray());
            Assert.Equal(1, WireFormat.GetTagFieldNumber(value.ReadTag()));
            string name = value.ReadString();
            Assert.Equal(2, WireFormat.GetTagFieldNumber(value.ReadTag()));
            yield return (name, value.ReadFloat());
            Assert.True(value.IsAtEnd);
        }
    }

    /// <summary>The reflected polynomial, bit by bit.</summary>
    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return crc ^ 0xFFFFFFFF;
    }

    private static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = Crc(data);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8u);
    }
}
