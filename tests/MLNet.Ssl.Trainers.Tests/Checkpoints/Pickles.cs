using System.Text;

namespace MLNet.Ssl.Tests;

/// <summary>Pieces of pickles.</summary>
internal static class Pickles
{
    public static byte[] Start => [0x80, 2];

    public static byte[] Text(string text) =>
        [(byte)'X', .. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    public static byte[] Bytes(params byte[] bytes) => [(byte)'B', .. BitConverter.GetBytes(bytes.Length), .. bytes];

    public static byte[] Name(string module, string name) => Encoding.UTF8.GetBytes($"c{module}\n{name}\n");

    public static byte[] Put(int index) => [(byte)'r', .. BitConverter.GetBytes(index)];

    public static byte[] Get(int index) => [(byte)'j', .. BitConverter.GetBytes(index)];

    public static byte[] Repeat(byte[] piece, int count) =>
        [.. Enumerable.Repeat(piece, count).SelectMany(bytes => bytes)];

    /// <summary>A float32 tensor of two numbers in the storage 0.</summary>
    public static byte[] Tensor =>
    [
        .. Name("torch._utils", "_rebuild_tensor_v2"), .. "(("u8, .. Text("storage"), .. Name("torch", "FloatStorage"),
        .. Text("0"), .. Text("cpu"),
        .. "K\x02tQK\0K\x02"u8, 0x85, .. "K\x01"u8, 0x85, 0x89, .. Name("collections", "OrderedDict"), .. ")RtR"u8,
    ];
}
