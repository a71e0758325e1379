using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

/// <summary>Models, indexes, weights and ONNX files go through streams as through files.</summary>
public sealed class StreamTests : IDisposable
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly TemporaryFolder _folder = new();
    private readonly IDataView _photos;
    private readonly EmbeddingTransformer _encoder;

    public StreamTests()
    {
        for (int i = 0; i < 4; i++) TestImages.Image(i).Save(_folder.File($"{i}.png"));
        _photos = Ssl.Data.LoadImageFolder(_folder.Path);
        _encoder = Ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(_photos);
    }

    private SelfSupervisedCatalog Ssl => _ml.SelfSupervised();

    public void Dispose()
    {
        _encoder.Dispose();
        _folder.Dispose();
    }

    /// <summary>As a file's, as one within another file, and as one that comes from a network.</summary>
    public static TheoryData<string> Kinds => ["whole", "within", "without seeking"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AModelComesBack(string kind)
    {
        var stream = Written(kind, target => Ssl.Model.Save(_encoder, _photos.Schema, target));
        using var loaded = (EmbeddingTransformer)Ssl.Model.Load(stream, out var schema);
        Assert.Equal(Embeddings(_encoder), Embeddings(loaded));
        Assert.Equal("Image", schema!["Image"].Name);
        // The stream stays the caller's.
        Assert.True(stream.CanRead);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AnIndexComesBack(string kind)
    {
        var index = Ssl.Index(_encoder.Transform(_photos));
        var loaded = EmbeddingIndex.Load(Written(kind, index.Save));
        Assert.Equal(index.Keys, loaded.Keys);
        Assert.Equal(index[2].ToArray(), loaded[2].ToArray());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WeightsComeBack(string kind)
    {
        var stream = Written(kind, _encoder.SaveSafeTensors);
        var estimator = Ssl.LoadPretrained("Embedding", "Image", stream);
        stream.Dispose();
        // Fitted twice, long after the stream has gone.
        using (estimator.Fit(_photos)) { }
        using var loaded = estimator.Fit(_photos);
        Assert.Equal(Embeddings(_encoder), Embeddings(loaded));
    }

    [Fact]
    public void AnOnnxModelIsTheFiles()
    {
        _encoder.ExportOnnx(_folder.File("encoder.onnx"));
        using var stream = new MemoryStream();
        _encoder.ExportOnnx(stream);
        Assert.Equal(File.ReadAllBytes(_folder.File("encoder.onnx")), stream.ToArray());
        var chain = new TransformerChain<EmbeddingTransformer>(_encoder);
        using var second = new MemoryStream();
        chain.ExportOnnx(second);
        Assert.Equal(stream.ToArray(), second.ToArray());
    }

    [Fact]
    public void AStreamAtItsEndOrOfAnotherKindIsRefused()
    {
        using var stream = new MemoryStream();
        Ssl.Model.Save(_encoder, null, stream);
        Assert.Contains("set its Position",
            Assert.Throws<InvalidDataException>(() => Ssl.Model.Load(stream, out _)).Message);
        Assert.Contains("is empty",
            Assert.Throws<InvalidDataException>(() => EmbeddingIndex.Load(new MemoryStream())).Message);
        var other = new MemoryStream(new byte[100]);
        Assert.Contains("The model file in the stream is refused",
            Assert.Throws<InvalidDataException>(() => Ssl.Model.Load(other, out _)).Message);
        other.Position = 0;
        Assert.Contains("(stream)",
            Assert.Throws<InvalidDataException>(() => Ssl.LoadPretrained("E", "Image", other)).Message);
        Assert.Throws<ArgumentException>(() => Ssl.Model.Save(_encoder, null, new MemoryStream([], writable: false)));
    }

    [Fact]
    public void AModelThatCannotBeSavedWritesNothing()
    {
        using var stream = new MemoryStream();
        var disposed = Ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(_photos);
        disposed.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Ssl.Model.Save(_encoder.Append(disposed), null, stream));
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void MLNetSaysWhatAModelFileIs()
    {
        Ssl.Model.Save(_encoder, _photos.Schema, _folder.File("model.mlssl"));
        var error = Assert.ThrowsAny<Exception>(() => _ml.Model.Load(_folder.File("model.mlssl"), out _));
        Assert.Contains("This is a model file of MLNet.Ssl - load it by ml.SelfSupervised().Model.Load", error.Message);
    }

    [Fact]
    public void TheExtensionIsFree()
    {
        foreach (string name in new[] { "model.mlssl", "model.zip", "model" })
        {
            Ssl.Model.Save(_encoder, null, _folder.File(name));
            using var loaded = (EmbeddingTransformer)Ssl.Model.Load(_folder.File(name), out _);
            Assert.Equal(Embeddings(_encoder), Embeddings(loaded));
        }
    }

    private float[][] Embeddings(ITransformer encoder) =>
        [.. encoder.Transform(_photos).GetColumn<float[]>("Embedding")];

    private static Stream Written(string kind, Action<Stream> write)
    {
        var stream = new MemoryStream();
        if (kind == "within") stream.Write([1, 2, 3]);
        write(kind == "without seeking" ? new OneWay(stream) : stream);
        stream.Position = kind == "within" ? 3 : 0;
        return kind == "without seeking" ? new OneWay(stream) : stream;
    }

    /// <summary>A stream that knows neither length nor place.</summary>
    private sealed class OneWay(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) =>
            inner.Read(buffer, offset, Math.Min(count, 1000));

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }
}
