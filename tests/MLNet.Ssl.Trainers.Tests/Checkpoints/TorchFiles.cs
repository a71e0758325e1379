using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Writes checkpoints as torch.save does: dictionaries, lists, tuples (arrays),
/// tensors and plain values.</summary>
internal sealed class TorchFiles
{
    private readonly MemoryStream _pickle = new();
    private readonly List<Tensor> _storages = [];
    private readonly bool _legacy;

    private TorchFiles(bool legacy) => _legacy = legacy;

    public static void WriteZip(string path, object? root)
    {
        var writer = new TorchFiles(legacy: false);
        byte[] pickle = writer.Pickle(root);
        WriteZip(path, pickle, [.. writer._storages.Select(Bytes)]);
    }

    public static void WriteZip(string path, byte[] pickle, params byte[][] storages)
    {
        using var archive = ZipFile.Open(path, ZipArchiveMode.Create);
        Add("archive/data.pkl", pickle);
        Add("archive/byteorder", "little"u8.ToArray());
        for (int i = 0; i < storages.Length; i++) Add($"archive/data/{i}", storages[i]);

        void Add(string name, byte[] content)
        {
            using var entry = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
            entry.Write(content);
        }
    }

    public static void WriteLegacy(string path, object? root)
    {
        using var file = File.Create(path);
        file.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        file.Write(new TorchFiles(legacy: true).Pickle(1001L));
        file.Write(new TorchFiles(legacy: true).Pickle(new Dictionary<string, object?> { ["little_endian"] = true }));
        var writer = new TorchFiles(legacy: true);
        file.Write(writer.Pickle(root));
        file.Write(new TorchFiles(legacy: true)
            .Pickle(Enumerable.Range(0, writer._storages.Count).Select(i => (object?)$"{i}").ToList()));
        foreach (var storage in writer._storages)
        {
            var count = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(count, storage.numel());
            file.Write(count);
            file.Write(Bytes(storage));
        }
    }

    private static byte[] Bytes(Tensor tensor)
    {
        using var flat = tensor.detach().cpu().contiguous();
        return flat.bytes.ToArray();
    }

    private byte[] Pickle(object? root)
    {
        _pickle.Write([0x80, 2]);
        Value(root);
        _pickle.WriteByte((byte)'.');
        return _pickle.ToArray();
    }

    private void Value(object? value)
    {
        switch (value)
        {
            case null: Op('N'); break;
            case bool b: _pickle.WriteByte(b ? (byte)0x88 : (byte)0x89); break;
            case string text: Text(text); break;
            case long or int:
                Op('\x8a');
                _pickle.WriteByte(8);
                _pickle.Write(BitConverter.GetBytes(Convert.ToInt64(value)));
                break;
            case double number:
                Op('G');
                var bytes = new byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
                _pickle.Write(bytes);
                break;
            case Tensor tensor: Tensor(tensor); break;
            case Dictionary<string, object?> dictionary:
                Op('}');
                Op('(');
                foreach (var (key, item) in dictionary)
                {
                    Text(key);
                    Value(item);
                }
                Op('u');
                break;
            case object?[] tuple:
                Op('(');
                foreach (var item in tuple) Value(item);
                Op('t');
                break;
            case List<object?> list:
                Op(']');
                Op('(');
                foreach (var item in list) Value(item);
                Op('e');
                break;
            default: throw new NotSupportedException($"{value.GetType()}");
        }
    }

    private void Tensor(Tensor tensor)
    {
        var (type, shape) = (ElementType.Find(tensor.dtype)!, tensor.shape);
        Global("torch._utils", "_rebuild_tensor_v2");
        Op('(');
        Op('(');
        Text("storage");
        Global("torch", type.Storage);
        Text($"{_storages.Count}");
        Text("cpu");
        Value(tensor.numel());
        if (_legacy) Op('N');
        Op('t');
        Op('Q');
        Value(0L);
        Value(Array.ConvertAll(shape, n => (object?)n));
        Value(shape.Select((_, d) => (object?)shape.Skip(d + 1).Aggregate(1L, (a, b) => a * b)).ToArray());
        Value(false);
        Global("collections", "OrderedDict");
        Op(')');
        Op('R');
        Op('t');
        Op('R');
        _storages.Add(tensor);
    }

    private void Global(string module, string name)
    {
        Op('c');
        _pickle.Write(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));
    }

    private void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Op('X');
        _pickle.Write(BitConverter.GetBytes(bytes.Length));
        _pickle.Write(bytes);
    }

    private void Op(char op) => _pickle.WriteByte((byte)op);
}
