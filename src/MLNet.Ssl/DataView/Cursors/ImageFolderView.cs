using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using MLNet.Ssl.ImageFiles;

namespace MLNet.Ssl.DataView;

/// <summary>A row for each image file of a folder: its path, its label, and the
/// image, decoded when asked for.</summary>
internal sealed class ImageFolderView : IDataView
{
    private const int PathIndex = 0, LabelIndex = 1, ImageIndex = 2;

    private readonly string[] _files, _labels;

    public ImageFolderView(string folder, bool withImages)
    {
        _files = ImageFolder.Files(folder);
        _labels = Array.ConvertAll(_files, file => ImageFolder.Label(folder, file));
        var schema = new DataViewSchema.Builder();
        schema.AddColumn("Path", TextDataViewType.Instance);
        schema.AddColumn("Label", TextDataViewType.Instance);
        if (withImages) schema.AddColumn("Image", new ImageDataViewType());
        Schema = schema.ToSchema();
    }

    public bool CanShuffle => true;

    public DataViewSchema Schema { get; }

    public long? GetRowCount() => _files.Length;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        int[] order = [.. Enumerable.Range(0, _files.Length)];
        rand?.Shuffle(order);
        return new Cursor(this, order, [.. columnsNeeded.Select(column => column.Index)]);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n,
        Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(ImageFolderView view, int[] order, HashSet<int> active) : DataViewRowCursor
    {
        private long _position = -1;

        public override long Position => _position;

        public override long Batch => 0;

        public override DataViewSchema Schema => view.Schema;

        private int File => _position >= 0 && _position < order.Length ? order[_position]
            : throw new InvalidOperationException("The cursor stands on no row.");

        public override bool MoveNext()
        {
            if (_position < order.Length) _position++;
            if (_position < order.Length) return true;
            _position = -1;
            order = [];
            return false;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() =>
            (ref DataViewRowId value) => value = new((ulong)File, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' was not asked for.");
            Delegate getter = column.Index switch
            {
                PathIndex => Text(view._files),
                LabelIndex => Text(view._labels),
                ImageIndex => Image(),
                _ => throw new ArgumentOutOfRangeException(nameof(column)),
            };
            return getter as ValueGetter<TValue> ?? throw new InvalidOperationException(
                $"Column '{column.Name}' is {column.Type}; {typeof(TValue)} was asked for.");
        }

        private ValueGetter<ReadOnlyMemory<char>> Text(string[] texts) =>
            (ref ReadOnlyMemory<char> value) => value = texts[File].AsMemory();

        // As LoadImages does: the image that was there is disposed of, and who keeps one hands in another place.
        private ValueGetter<MLImage> Image() => (ref MLImage value) =>
        {
            value?.Dispose();
            value = RgbImages.Load(view._files[File]).ToMLImage();
        };
    }
}
