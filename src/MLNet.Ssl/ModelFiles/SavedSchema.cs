using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// The columns that a model was fitted on. ML.NET saves all but images; as in its own files, hidden columns and types
/// of other libraries are left out.
/// </summary>
/// <param name="Model">The entry in which ML.NET keeps the other columns; null if there are none.</param>
/// <param name="Images">The columns of images.</param>
internal sealed record SavedSchema(string? Model, IReadOnlyList<SavedSchema.Image> Images)
{
    /// <param name="Index">Where the column stands among all.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Height">Height in pixels; 0 for any.</param>
    /// <param name="Width">Width in pixels; 0 for any.</param>
    internal sealed record Image(int Index, string Name, int Height, int Width);

    public static SavedSchema Of(DataViewSchema schema, ModelWriter file)
    {
        var images = new List<Image>();
        var others = new DataViewSchema.Builder();
        int index = 0, kept = 0;
        foreach (var column in schema.Where(column => !column.IsHidden))
        {
            if (column.Type is ImageDataViewType image)
                images.Add(new(index++, column.Name, image.Height, image.Width));
            else if (column.Type is PrimitiveDataViewType or VectorDataViewType)
            {
                others.AddColumn(column.Name, column.Type, column.Annotations);
                (index, kept) = (index + 1, kept + 1);
            }
        }
        if (kept == 0) return new(null, images);
        using var model = new MemoryStream();
        file.Context.Model.Save(new TransformerChain<ITransformer>(), others.ToSchema(), model);
        return new(file.Add("zip", stream => stream.Write(model.ToArray())), images);
    }

    public DataViewSchema Restore(ModelReader file)
    {
        DataViewSchema? others = null;
        if (Model is not null) file.Read(Model, stream => file.Context.Model.Load(stream, out others));
        var columns = others?.Select(column => new DataViewSchema.DetachedColumn(column)).ToList() ?? [];
        foreach (var image in Images.OrderBy(image => image.Index))
        {
            if (image.Index < 0 || image.Index > columns.Count)
                throw new InvalidDataException($"the schema's column '{image.Name}' has the index {image.Index}.");
            var type = image.Height == 0 && image.Width == 0 ? new ImageDataViewType()
                : new ImageDataViewType(image.Height, image.Width);
            columns.Insert(image.Index, new(image.Name, type));
        }
        var schema = new DataViewSchema.Builder();
        schema.AddColumns(columns);
        return schema.ToSchema();
    }
}
