using System.Buffers.Binary;
using System.Text;

namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// An entry at the place where <c>ml.Model.Load</c> begins, so that its error says what the file is: the header of a
/// part whose assembly has a sentence for a name, which no assembly can be found by.
/// </summary>
internal static class NoteToMLNet
{
    public const string EntryName = "TransformerChain/Model.key";

    private const string Note = "This is a model file of MLNet.Ssl - load it by ml.SelfSupervised().Model.Load";

    private const int HeaderLength = 256;

    /// <summary>A part without content: header, the assembly's name, and the signature backwards.</summary>
    public static byte[] Bytes()
    {
        byte[] note = Encoding.Unicode.GetBytes(Note);
        int tail = HeaderLength + note.Length;
        var bytes = new byte[tail + sizeof(ulong)];
        const ulong Signature = 0x4C45444F4D004C4D;
        void Put(int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value);
        void Version(int at, uint written, uint readable)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), written);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + sizeof(uint)), readable);
        }

        Put(0, Signature);
        Version(8, 0x00010002, 0x00010002);
        // The content and the tables of strings, all empty, end where the assembly's name begins.
        Put(16, HeaderLength);
        Put(24, 0);
        Encoding.ASCII.GetBytes("MLNETSSL").CopyTo(bytes, 64);
        Version(72, 0x00010001, 0x00010001);
        Encoding.ASCII.GetBytes("MLNet.Ssl").CopyTo(bytes, 80);
        Put(128, (ulong)tail);
        Put(136, (ulong)bytes.Length);
        Put(144, HeaderLength);
        Put(152, (ulong)note.Length);
        note.CopyTo(bytes, HeaderLength);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(tail), Signature);
        return bytes;
    }
}
