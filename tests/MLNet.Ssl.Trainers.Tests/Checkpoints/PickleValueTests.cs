using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>What checkpoints hold beside weights: plain values, and opaque ones that no call brings to life.</summary>
public sealed class PickleValueTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(params byte[][] pieces)
    {
        string path = _folder.File($"{Guid.NewGuid():N}.pth");
        TorchFiles.WriteZip(path, [.. Pickles.Start, .. pieces.SelectMany(piece => piece), (byte)'.'],
            [0, 0, 128, 63, 0, 0, 0, 64]);
        return path;
    }

    /// <summary>The value beside a tensor, which must be there unharmed.</summary>
    private object? Beside(params byte[][] value)
    {
        using var checkpoint = Checkpoint.Open(
            Write([[.. "}("u8], Pickles.Text("w"), Pickles.Tensor, Pickles.Text("value"), .. value, [(byte)'u']]));
        var root = Assert.IsType<Dictionary<string, object?>>(checkpoint.Root);
        using var w = Assert.IsType<StoredTensor>(root["w"]).Read();
        Assert.Equal([1f, 2], w.data<float>().ToArray());
        if (root["value"] is StoredTensor tensor)
        {
            using var read = tensor.Read();
            return (tensor.Type, string.Join(',', tensor.Shape),
                string.Join(',', read.to(float64).contiguous().data<double>()));
        }
        return root["value"];
    }

    private static OpaqueValue Opaque(object? value, string type)
    {
        var opaque = Assert.IsType<OpaqueValue>(value);
        Assert.Equal(type, opaque.TypeName);
        return opaque;
    }

    [Fact]
    public void AnyObjectIsOpaqueWithWhatItConsistsOf()
    {
        byte[] one = [.. Pickles.Text("home"), 0x85];
        Assert.Equal(["home"], Assert.IsType<object?[]>(
            Opaque(Beside(Pickles.Name("pathlib", "PosixPath"), one, "R"u8.ToArray()), "pathlib.PosixPath").State));
        Opaque(Beside(Pickles.Name("datetime", "datetime"), Pickles.Bytes(7, 232), [0x85, (byte)'R']),
            "datetime.datetime");
        Opaque(Beside(Pickles.Name("builtins", "complex"), "K\x01K\x02"u8.ToArray(), [0x86, (byte)'R']),
            "builtins.complex");
        // NEWOBJ, attributes, items of a dictionary and of a list.
        var config = Opaque(Beside(Pickles.Name("mmcv.utils", "Config"), [(byte)')', 0x81, (byte)'}'],
            Pickles.Text("lr"), [.. "K\x05sb"u8]), "mmcv.utils.Config");
        Assert.Equal(5L, Assert.IsType<Dictionary<string, object?>>(config.State)["lr"]);
        Opaque(Beside(Pickles.Name("my.lib", "Dict"), [(byte)')', 0x81, .. "(K\x01K\x02u"u8]), "my.lib.Dict");
        Opaque(Beside(Pickles.Name("my.lib", "List"), [(byte)')', 0x81, .. "(K\x01K\u0002e"u8]), "my.lib.List");
        // A call of what a call made; arguments by name; a class inside a class, of protocol 4.
        Opaque(Beside(Pickles.Name("functools", "partial"), Pickles.Name("torch.nn", "LayerNorm"),
            [0x85, (byte)'R', (byte)')', (byte)'R']), "functools.partial");
        Opaque(Beside(Pickles.Name("my.lib", "Point"), [.. ")}"u8, 0x92]), "my.lib.Point");
        Opaque(Beside(Pickles.Text("my.lib"), Pickles.Text("Outer.Inner"), [0x93, (byte)')', 0x81]),
            "my.lib.Outer.Inner");
        Opaque(Beside(Pickles.Name("copyreg", "_reconstructor"), "("u8.ToArray(), Pickles.Name("my.lib", "Old"),
            Pickles.Name("builtins", "object"), "NtR"u8.ToArray()),
            "my.lib.Old");
        // A class that stands for itself.
        Assert.Equal("torch.float32",
            Assert.IsAssignableFrom<OpaqueValue>(Beside(Pickles.Name("torch", "float32"))).TypeName);
        // Tensors of a type that no weights have.
        Opaque(Beside(Pickles.Name("torch._utils", "_rebuild_tensor_v2"), "(("u8.ToArray(), Pickles.Text("storage"),
            Pickles.Name("torch", "ComplexFloatStorage"),
            Pickles.Text("0"), Pickles.Text("cpu"), [.. "K\x01tQK\0))"u8, 0x89, .. "NtR"u8]),
                "torch._utils._rebuild_tensor_v2");
    }

    [Fact]
    public void SetsCountersAndTextThatIsNoUtf8ArePlain()
    {
        Assert.Equal([3L], Assert.IsType<List<object?>>(
            Beside(Pickles.Name("__builtin__", "set"), "]K\u0003a"u8.ToArray(), [0x85, (byte)'R'])));
        Assert.Equal([3L], Assert.IsType<object?[]>(Beside([.. "(K\x03"u8, 0x91])));
        var counter = Beside(Pickles.Name("collections", "Counter"), "}K\x1eK\x01s"u8.ToArray(), [0x85, (byte)'R']);
        Assert.Equal(1L, Assert.IsType<Dictionary<string, object?>>(counter)["30"]);
        var lists = Beside(Pickles.Name("collections", "defaultdict"), Pickles.Name("builtins", "list"),
            [0x85, .. "RK\x02K\x03s"u8]);
        Assert.Equal(3L, Assert.IsType<Dictionary<string, object?>>(lists)["2"]);
        Assert.Equal([0xff, 0xfe], Assert.IsType<byte[]>(Beside([(byte)'U', 2, 0xff, 0xfe])));
    }

    [Fact]
    public void KeysAreOfAnyPlainType()
    {
        var keys = Assert.IsType<Dictionary<string, object?>>(
            Beside([.. "}(NNK\x07N"u8, 0x88, (byte)'N', (byte)'G', 0x3f, 0xe0, 0, 0, 0, 0, 0, 0, (byte)'N'],
            [.. "K\x01"u8, .. Pickles.Text("a"), 0x86, (byte)'N'], Pickles.Bytes(65), "N"u8.ToArray(),
            Pickles.Name("my.lib", "Color"), [.. "K\x01"u8, 0x85, .. "RNu"u8])).Keys;
        Assert.Equal(["None", "7", "True", "0.5", "(1, 'a')", "b'A'", "my.lib.Color(1)"], keys);
        Assert.Contains("list or dictionary as a key",
            Assert.Throws<InvalidDataException>(() => Beside("}]Ns"u8.ToArray())).Message);
    }

    private static byte[] Dtype(string code, byte order) =>
    [
        .. Pickles.Name("numpy", "dtype"), .. Pickles.Text(code), 0x89, 0x88, 0x87, .. "R(K\x03"u8,
        .. Pickles.Text(((char)order).ToString()), .. "NNNJ"u8,
        .. BitConverter.GetBytes(-1), (byte)'J', .. BitConverter.GetBytes(-1), .. "K\0tb"u8,
    ];

    [Theory]
    [InlineData("f8", new byte[] { 0, 0, 0, 0, 0, 0, 248, 63 }, 1.5)]
    [InlineData("f4", new byte[] { 0, 0, 192, 63 }, 1.5)]
    [InlineData("f2", new byte[] { 0, 62 }, 1.5)]
    [InlineData("i8", new byte[] { 254, 255, 255, 255, 255, 255, 255, 255 }, -2L)]
    [InlineData("i4", new byte[] { 254, 255, 255, 255 }, -2L)]
    [InlineData("u2", new byte[] { 254, 255 }, 65534L)]
    [InlineData("b1", new byte[] { 1 }, true)]
    public void NumbersOfNumpyAreNumbers(string code, byte[] bytes, object expected)
    {
        byte[] name = Pickles.Name("numpy._core.multiarray", "scalar");
        Assert.Equal(expected, Beside(name, Dtype(code, (byte)'<'), Pickles.Bytes(bytes), [0x86, (byte)'R']));
        // As protocol 2 writes bytes.
        byte[] encoded = [.. Pickles.Name("_codecs", "encode"),
            .. Pickles.Text(System.Text.Encoding.Latin1.GetString(bytes)), .. Pickles.Text("latin1"), 0x86, (byte)'R'];
        Assert.Equal(expected, Beside(name, Dtype(code, (byte)'<'), encoded, [0x86, (byte)'R']));
        if (bytes.Length > 1) Opaque(Beside(name, Dtype(code, (byte)'>'), Pickles.Bytes(bytes), [0x86, (byte)'R']),
            "numpy._core.multiarray.scalar");
        Opaque(Beside(name, Dtype(code, (byte)'<'), Pickles.Bytes([.. bytes, 0]), [0x86, (byte)'R']),
            "numpy._core.multiarray.scalar");
    }

    private static byte[] Array(byte[] dtype, byte[] shape, bool isFortran, byte[] bytes) =>
    [
        .. Pickles.Name("numpy.core.multiarray", "_reconstruct"), .. Pickles.Name("numpy", "ndarray"), .. "K\0"u8, 0x85,
        .. Pickles.Bytes(98), 0x87, (byte)'R',
        .. Pickles.Put(0), .. "(K\x01"u8, .. shape, .. dtype, isFortran ? (byte)0x88
            : (byte)0x89, .. Pickles.Bytes(bytes), .. "tb"u8,
    ];

    [Fact]
    public void PlainArraysOfNumpyAreTensors()
    {
        byte[] shape = [.. "K\x02K\x03"u8, 0x86], bytes = [0, 1, 2, 3, 4, 5];
        Assert.Equal((ScalarType.Byte, "2,3", "0,1,2,3,4,5"),
            Beside(Array(Dtype("u1", (byte)'|'), shape, false, bytes)));
        Assert.Equal((ScalarType.Byte, "2,3", "0,2,4,1,3,5"),
            Beside(Array(Dtype("u1", (byte)'|'), shape, true, bytes)));
        // Remembered before it was filled, and recalled after.
        Assert.Equal((ScalarType.Byte, "2,3", "0,1,2,3,4,5"),
            Beside(Array(Dtype("u1", (byte)'|'), shape, false, bytes), [(byte)'0', .. Pickles.Get(0)]));
        Assert.Equal((ScalarType.Byte, "2,3", "0,1,2,3,4,5"),
            Beside(Pickles.Name("numpy._core.numeric", "_frombuffer"), [(byte)'('],
            [0x96, 6, 0, 0, 0, 0, 0, 0, 0, .. bytes], Dtype("u1", (byte)'|'), shape, Pickles.Text("C"),
            "tR"u8.ToArray()));
    }

    [Theory]
    [InlineData("u4", '<', 6)]
    [InlineData("f4", '>', 24)]
    [InlineData("u1", '|', 5)]
    [InlineData("O8", '|', 48)]
    public void OtherArraysOfNumpyAreOpaque(string code, char order, int bytes)
    {
        var value = Beside(Array(Dtype(code, (byte)order), [.. "K\x02K\x03"u8, 0x86], false, new byte[bytes]));
        Assert.Equal("numpy.ndarray", Assert.IsAssignableFrom<OpaqueValue>(value).TypeName);
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("os", "path.join")]
    [InlineData("subprocess", "Popen")]
    [InlineData("builtins", "getattr")]
    [InlineData("__builtin__", "eval")]
    [InlineData("importlib.util", "find_spec")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("numpy.testing._private.utils", "runstring")]
    public void ANameByWhichPicklesAttackIsRefusedWhereverItStands(string module, string name)
    {
        foreach (var use in new byte[][] { [], [.. Pickles.Text("echo"), 0x85, (byte)'R'] })
        {
            string message = Assert.Throws<InvalidDataException>(() => Beside(Pickles.Name(module, name), use)).Message;
            Assert.Contains($"the Python object '{module}.{name}'", message);
            Assert.Contains("Nothing was executed", message);
        }
    }

    [Fact]
    public void AWholeModuleIsRefusedByName()
    {
        string message = Assert.Throws<InvalidDataException>(() =>
            Checkpoint.Open(Write(Pickles.Name("my.lib", "Net"), [(byte)')', 0x81, .. "}b"u8]))).Message;
        Assert.Contains("a whole Python object, 'my.lib.Net'", message);
        Assert.Contains("state_dict()", message);
        Assert.Contains("Nothing was executed", message);
    }

    [Theory]
    [InlineData("cposix\nsystem\np0\n(Vecho\np1\ntp2\nRp3\n.")]
    [InlineData("(cos\nsystem\nS'echo'\no.")]
    [InlineData("(S'echo'\nios\nsystem\n.")]
    public void APickleOfProtocol0SaysThatNothingWasExecuted(string pickle)
    {
        string path = _folder.File("protocol 0.pth");
        File.WriteAllText(path, pickle);
        string message = Assert.Throws<InvalidDataException>(() => Checkpoint.Open(path)).Message;
        Assert.Contains(path, message);
        Assert.Contains("Nothing was executed", message);
    }
}
