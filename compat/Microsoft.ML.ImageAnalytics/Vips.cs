using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML;

/// <summary>
/// Image files and filters through libvips, which reads JPEG (gray, CMYK, progressive), PNG (16 bit, palette, interlaced), GIF and WebP
/// itself, BMP through ImageMagick, and refuses damaged data when asked to.
/// </summary>
internal static unsafe partial class Vips
{
    private const string Library = "libvips.so.42";

    /// <summary>Above this a file is taken for hostile: 1 GiB of pixels.</summary>
    private const long MaxPixels = 1L << 28;

    private const int UChar = 0, SRgb = 22, ForceSize = 3, LogWarnings = 16;

    static Vips()
    {
        if (vips_init("MLImage") != 0) throw new InvalidOperationException("libvips cannot start: " + TakeError());
        g_log_set_handler("VIPS", LogWarnings, &Ignore, 0); // what matters of them comes back as an error
        vips_concurrency_set(1); // callers are parallel already
        vips_cache_set_max(0); // every file is seen once an epoch: a cache of operations only holds memory
    }

    /// <summary>Decodes to Bgra32 in sRGB; the orientation that EXIF asks for is not applied.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    public static MLImage Decode(ReadOnlySpan<byte> file, string name)
    {
        if (!IsKnown(file)) throw new InvalidDataException($"{name}: not a JPEG, PNG, GIF, WebP or BMP image ({file.Length} bytes)");
        fixed (byte* data = file)
        {
            using var source = vips_image_new_from_buffer(data, (nuint)file.Length, "[access=sequential,fail_on=error]", 0);
            if (source.IsInvalid) throw Undecodable(name);
            int width = vips_image_get_width(source), height = vips_image_get_height(source);
            if ((long)width * height > MaxPixels)
                throw new InvalidDataException($"{name}: {width} x {height} pixels: at most {MaxPixels} are read");
            if (vips_colourspace(source, out var colour, SRgb, 0) != 0) throw Undecodable(name);
            using (colour)
            {
                var bands = vips_image_get_bands(colour);
                var pixels = vips_image_write_to_memory(colour, out var size);
                if (pixels == null) throw Undecodable(name);
                try
                {
                    if (bands is not (3 or 4) || size != (nuint)((long)width * height * bands))
                        throw new InvalidDataException($"{name}: {bands} bands of colour: expected 3 or 4 of one byte");
                    return new MLImage(width, height, MLPixelFormat.Bgra32, ToBgra(new ReadOnlySpan<byte>(pixels, (int)size), bands));
                }
                finally
                {
                    g_free(pixels);
                }
            }
        }
    }

    /// <summary>Encodes in the format that the extension of a path names.</summary>
    public static byte[] Encode(MLImage image, string path)
    {
        using var source = ToVips(image);
        if (vips_image_write_to_buffer(source, Path.GetExtension(path).ToLowerInvariant(), out var data, out var size, 0) != 0)
            throw new InvalidOperationException($"{path}: cannot be written: {TakeError()}");
        try
        {
            return new ReadOnlySpan<byte>(data, (int)size).ToArray();
        }
        finally
        {
            g_free(data);
        }
    }

    /// <summary>Resamples to an exact size with a Lanczos filter that widens when shrinking; the byte order stays.</summary>
    public static MLImage Resample(MLImage image, int width, int height)
    {
        using var source = ToVips(image, keepOrder: true);
        if (vips_thumbnail_image(source, out var resized, width, "height", height, "size", ForceSize, 0) != 0)
            throw new InvalidOperationException($"cannot be resized to {width} x {height}: {TakeError()}");
        using (resized)
        {
            var pixels = vips_image_write_to_memory(resized, out var size);
            if (pixels == null) throw new InvalidOperationException($"cannot be resized to {width} x {height}: {TakeError()}");
            try
            {
                return MLImage.CreateFromPixels(width, height, image.PixelFormat, new ReadOnlySpan<byte>(pixels, (int)size));
            }
            finally
            {
                g_free(pixels);
            }
        }
    }

    // libvips knows many more formats, some of them through interpreters of documents: files from elsewhere do not reach those.
    private static bool IsKnown(ReadOnlySpan<byte> file) =>
        file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])
        || file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])
        || file.StartsWith("GIF8"u8)
        || (file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8))
        || file.StartsWith("BM"u8);

    private static byte[] ToBgra(ReadOnlySpan<byte> source, int bands)
    {
        var target = GC.AllocateUninitializedArray<byte>(source.Length / bands * 4);
        for (int from = 0, to = 0; to < target.Length; from += bands, to += 4)
        {
            target[to] = source[from + 2];
            target[to + 1] = source[from + 1];
            target[to + 2] = source[from];
            target[to + 3] = bands == 4 ? source[from + 3] : byte.MaxValue;
        }

        return target;
    }

    private static ImageHandle ToVips(MLImage image, bool keepOrder = false)
    {
        var pixels = image.Pixels.ToArray();
        if (!keepOrder && image.PixelFormat == MLPixelFormat.Bgra32)
            for (var i = 0; i < pixels.Length; i += 4)
                (pixels[i], pixels[i + 2]) = (pixels[i + 2], pixels[i]);
        fixed (byte* data = pixels)
        {
            using var plain = vips_image_new_from_memory_copy(data, (nuint)pixels.Length, image.Width, image.Height, 4, UChar);
            if (plain.IsInvalid || vips_copy(plain, out var result, "interpretation", SRgb, 0) != 0) throw new InvalidOperationException(TakeError());
            return result;
        }
    }

    private static InvalidDataException Undecodable(string name) => new($"{name}: cannot be decoded: {TakeError()}");

    // The buffer belongs to the process: next to this failure it may tell of another thread's.
    private static string TakeError()
    {
        var text = vips_error_buffer_copy();
        try
        {
            var message = Marshal.PtrToStringUTF8((nint)text)?.Trim().ReplaceLineEndings("; ");
            return string.IsNullOrEmpty(message) ? "the data is damaged" : message;
        }
        finally
        {
            g_free(text);
        }
    }

    [UnmanagedCallersOnly]
    private static void Ignore(byte* domain, int level, byte* message, nint data)
    {
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_init(string program);

    [LibraryImport(Library)]
    private static partial void vips_concurrency_set(int threads);

    [LibraryImport(Library)]
    private static partial void vips_cache_set_max(int operations);

    [LibraryImport(Library)]
    private static partial byte* vips_error_buffer_copy();

    [LibraryImport(Library)]
    private static partial int vips_image_get_width(ImageHandle image);

    [LibraryImport(Library)]
    private static partial int vips_image_get_height(ImageHandle image);

    [LibraryImport(Library)]
    private static partial int vips_image_get_bands(ImageHandle image);

    [LibraryImport(Library)]
    private static partial byte* vips_image_write_to_memory(ImageHandle image, out nuint size);

    [LibraryImport(Library)]
    private static partial ImageHandle vips_image_new_from_memory_copy(byte* data, nuint size, int width, int height, int bands, int format);

    // From here on C variadic functions, called with the NULL that ends their list as an ordinary argument: on Linux (x64, arm64)
    // integers and pointers travel alike in both conventions; floating-point arguments would not.
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial ImageHandle vips_image_new_from_buffer(byte* data, nuint size, string options, nint end);

    [LibraryImport(Library)]
    private static partial int vips_colourspace(ImageHandle image, out ImageHandle result, int space, nint end);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_copy(ImageHandle image, out ImageHandle result, string name, int value, nint end);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_thumbnail_image(
        ImageHandle image, out ImageHandle result, int width, string name1, int value1, string name2, int value2, nint end);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int vips_image_write_to_buffer(ImageHandle image, string suffix, out byte* data, out nuint size, nint end);

    [LibraryImport("libglib-2.0.so.0", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint g_log_set_handler(string domain, int levels, delegate* unmanaged<byte*, int, byte*, nint, void> handler, nint data);

    [LibraryImport("libglib-2.0.so.0")]
    private static partial void g_free(void* memory);

    [LibraryImport("libgobject-2.0.so.0")]
    private static partial void g_object_unref(nint instance);

    private sealed class ImageHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            g_object_unref(handle);
            return true;
        }
    }
}
