using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string File(string name = "weights.safetensors") => _folder.File(name);

    private static Dictionary<string, Tensor> Samples() => new()
    {
        ["f64"] = tensor(new double[] { 1, double.MinValue, 1e-300 }),
        ["f32"] = tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]),
        ["f16"] = tensor(new float[] { 1, 65504, 6e-8f }).to(float16),
        ["bf16"] = tensor(new float[] { 1, 3e38f }).to(bfloat16),
        ["i64"] = tensor(new[] { long.MinValue, long.MaxValue }),
        ["i32"] = tensor(new[] { int.MinValue, int.MaxValue }),
        ["i16"] = tensor(new short[] { -3, 4 }),
        ["i8"] = tensor(new sbyte[] { -128, 127 }),
        ["u8"] = tensor(new byte[] { 0, 255, 3 }),
        ["bool"] = tensor(new[] { true, false, true }),
        ["scalar"] = tensor(3.5f),
        ["empty"] = zeros([0, 4]),
        ["transposed"] = tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]).t(),
        ["blocks.0.Größe \"x\""] = ones([2]),
    };

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        using var scope = NewDisposeScope();
        var tensors = Samples();
        SafeTensors.Write(File(), tensors, new Dictionary<string, string> { ["format"] = "pt", ["note"] = "Grüße\n" });
        var read = SafeTensors.Read(File());
        Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), read.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, tensor) in tensors)
        {
            Assert.Equal((name, tensor.dtype), (name, read[name].dtype));
            Assert.Equal(tensor.shape, read[name].shape);
            Assert.True(tensor.Equals(read[name]), name);
        }
        using var checkpoint = Checkpoint.Open(File());
        Assert.Equal("Grüße\n", checkpoint.Metadata["note"]);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void TheFileHasTheFormatsForm()
    {
        using var scope = NewDisposeScope();
        SafeTensors.Write(File(), Samples(), new Dictionary<string, string> { ["format"] = "pt" });
        var bytes = System.IO.File.ReadAllBytes(File());
        int length = (int)BitConverter.ToInt64(bytes);
        Assert.Equal(0, length % 8);
        Assert.Equal((byte)'{', bytes[8]);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        long end = 0;
        foreach (var entry in header.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            var offsets = entry.Value.GetProperty("data_offsets");
            Assert.Equal(end, offsets[0].GetInt64());
            end = offsets[1].GetInt64();
            int size = ElementType.All.Single(t => t.SafeTensors == entry.Value.GetProperty("dtype").GetString()).Size;
            Assert.Equal(0, offsets[0].GetInt64() % size);
        }
        Assert.Equal(bytes.Length, 8 + length + end);
        // An independent reading of one tensor.
        var f32 = header.RootElement.GetProperty("f32").GetProperty("data_offsets")[0].GetInt32();
        Assert.Equal(2f, BitConverter.ToSingle(bytes, 8 + length + f32 + 4));
        // The transposed tensor is written row by row.
        var transposed = header.RootElement.GetProperty("transposed").GetProperty("data_offsets")[0].GetInt32();
        Assert.Equal(4f, BitConverter.ToSingle(bytes, 8 + length + transposed + 4));
    }

    [Property(MaxTest = 15)]
    public bool AnyShapesSurvive(byte[][] shapes)
    {
        using var scope = NewDisposeScope();
        var tensors = shapes.Select((shape, i) =>
            (Name: $"t{i}", Tensor: rand([.. (shape ?? []).Take(5).Select(n => (long)n % 5)])))
            .ToDictionary(t => t.Name, t => t.Tensor);
        SafeTensors.Write(File(), tensors);
        var read = SafeTensors.Read(File());
        return tensors.Count == read.Count
            && tensors.All(t => t.Value.shape.SequenceEqual(read[t.Key].shape) && t.Value.Equals(read[t.Key]));
    }

    [Fact]
    public void AFailedWriteLeavesTheOldFileAndNothingElse()
    {
        using var scope = NewDisposeScope();
        SafeTensors.Write(File(), [new("a", ones([3]))]);
        var before = System.IO.File.ReadAllBytes(File());
        var disposed = ones([4]);
        var tensors = new KeyValuePair<string, Tensor>[] { new("a", ones([2])), new("b", disposed) };
        Assert.ThrowsAny<Exception>(() => AtomicFile.Write(File(), stream =>
        {
            stream.Write("half"u8);
            throw new IOException("disk full");
        }));
        disposed.Dispose();
        Assert.ThrowsAny<Exception>(() => SafeTensors.Write(File(), tensors));
        Assert.Equal(before, System.IO.File.ReadAllBytes(File()));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void ALinkStaysOneAndItsTargetIsWritten()
    {
        string target = _folder.File("target"), link = _folder.File("link");
        System.IO.File.WriteAllText(target, "old");
        System.IO.File.CreateSymbolicLink(link, "target");
        AtomicFile.Write(link, stream => stream.Write("new"u8));
        Assert.Equal("new", System.IO.File.ReadAllText(target));
        Assert.Equal("target", new FileInfo(link).LinkTarget);
        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void NamesAndTypesThatTheFormatLacksAreRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("__metadata__", Assert.Throws<ArgumentException>(() =>
            SafeTensors.Write(File(), [new("__metadata__", ones([1]))])).Message);
        Assert.Contains("'x'", Assert.Throws<ArgumentException>(() =>
            SafeTensors.Write(File(), [new("x", ones([1])), new("x", ones([1]))])).Message);
        Assert.Contains("'c'", Assert.Throws<ArgumentException>(() =>
            SafeTensors.Write(File(), [new("c", ones([1]).to(complex64))])).Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void AnotherFormatIsNamed()
    {
        TorchFiles.WriteZip(File("a.pth"), new Dictionary<string, object?>());
        Assert.Contains("TorchZip", Assert.Throws<InvalidDataException>(() => SafeTensors.Read(File("a.pth"))).Message);
        Assert.Throws<FileNotFoundException>(() => SafeTensors.Read(File("none.safetensors")));
    }

    [Fact]
    public void AByteThatIsNoBoolIsReadAsTrue()
    {
        var header = Encoding.UTF8.GetBytes("""{"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""");
        System.IO.File.WriteAllBytes(File(), [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 1, 77]);
        using var read = SafeTensors.Read(File())["b"];
        Assert.Equal([false, true, true], read.data<bool>().ToArray());
    }
}
