using Microsoft.ML;
using Microsoft.ML.Data;

namespace Compat.Tests;

public class DataTypeTests
{
    [Fact]
    public void TypesAreEqualByWhatTheyHold()
    {
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 3), new VectorDataViewType(NumberDataViewType.Single, new[] { 3 }));
        Assert.NotEqual(new VectorDataViewType(NumberDataViewType.Single, 6), new VectorDataViewType(NumberDataViewType.Single, 2, 3));
        Assert.NotEqual<DataViewType>(new KeyDataViewType(typeof(uint), 3), new KeyDataViewType(typeof(uint), 4));
        Assert.Equal(6, new VectorDataViewType(NumberDataViewType.Single, 2, 3).Size);
        Assert.False(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
        Assert.Equal(typeof(VBuffer<float>), new VectorDataViewType(NumberDataViewType.Single).RawType);
    }

    [Fact]
    public void OnlyUnsignedTypesWithinRangeAreKeys()
    {
        Assert.Throws<ArgumentException>(() => new KeyDataViewType(typeof(int), 3));
        Assert.Throws<ArgumentException>(() => new KeyDataViewType(typeof(byte), 256));
        Assert.Throws<ArgumentException>(() => new KeyDataViewType(typeof(uint), 0));
    }

    [Fact]
    public void TheLastColumnOfANameHidesTheOthers()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", TextDataViewType.Instance);
        var schema = builder.ToSchema();
        Assert.Equal([true, false], schema.Select(c => c.IsHidden));
        Assert.Equal(1, schema["A"].Index);
        Assert.Null(schema.GetColumnOrNull("B"));
        Assert.Throws<ArgumentOutOfRangeException>(() => schema["B"]);
    }

    [Fact]
    public void ASparseVectorReadsLikeItsDenseForm()
    {
        var sparse = new VBuffer<float>(6, 2, [5f, 7f], [1, 4]);
        float[] dense = [0, 5, 0, 0, 7, 0];
        Assert.False(sparse.IsDense);
        Assert.Equal(dense, sparse.DenseValues());
        Assert.Equal([KeyValuePair.Create(1, 5f), KeyValuePair.Create(4, 7f)], sparse.Items());
        Assert.Equal(dense, sparse.Items(all: true).Select(i => i.Value));
        Assert.Equal(dense, Enumerable.Range(0, 6).Select(sparse.GetItemOrDefault));
        Assert.Throws<ArgumentOutOfRangeException>(() => sparse.GetItemOrDefault(6));
        VBuffer<float> copy = default;
        sparse.CopyToDense(ref copy);
        Assert.True(copy.IsDense);
        Assert.Equal(dense, copy.GetValues().ToArray());
        sparse.CopyTo(ref copy, 1, 3);
        Assert.Equal([5f, 0, 0], copy.DenseValues());
        sparse.CopyTo(ref copy);
        Assert.Equal([1, 4], copy.GetIndices().ToArray());
        var span = new float[8];
        sparse.CopyTo(span, 1, -1);
        Assert.Equal([0, -1, 5, -1, -1, 7, -1, 0], span);
    }

    [Fact]
    public void AnEditorUsesTheCallersMemoryAgain()
    {
        var values = new float[4];
        var buffer = new VBuffer<float>(4, values);
        var editor = VBufferEditor.Create(ref buffer, 3);
        Assert.False(editor.CreatedNewValues);
        editor.Values.Fill(2);
        buffer = editor.Commit();
        Assert.Equal((3, 2f), (buffer.Length, values[0]));
        var larger = VBufferEditor.Create(ref buffer, 5, keepOldOnResize: true);
        Assert.True(larger.CreatedNewValues);
        Assert.Equal([2f, 2, 2, 0, 0], larger.Values.ToArray());
        var truncated = VBufferEditor.Create(ref buffer, 5, 2);
        truncated.Values[0] = 9;
        truncated.Indices[0] = 3;
        Assert.Equal([0, 0, 0, 9f, 0], truncated.CommitTruncated(1).DenseValues());
    }

    [Fact]
    public void RowIdsOfDifferentHistoriesDiffer()
    {
        var id = new DataViewRowId(3, 0);
        DataViewRowId[] derived = [id, id.Next(), id.Fork(), id.Next().Fork(), id.Fork().Next(), id.Combine(new(4, 0)), new DataViewRowId(4, 0).Combine(id)];
        Assert.Equal(derived.Length, derived.Distinct().Count());
        Assert.Equal(id.Next(), new DataViewRowId(3, 0).Next());
    }

    [Fact]
    public void AnAnnotationIsReadByKindAndType()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("Weight", NumberDataViewType.Single, 2f);
        builder.Add("Names", new VectorDataViewType(TextDataViewType.Instance, 1), (ref VBuffer<ReadOnlyMemory<char>> v) => v = new(1, ["x".AsMemory()]));
        var annotations = builder.ToAnnotations();
        var weight = 0f;
        annotations.GetValue("Weight", ref weight);
        Assert.Equal(2f, weight);
        var wrong = 0d;
        Assert.Throws<InvalidOperationException>(() => annotations.GetValue("Weight", ref wrong));
        Assert.Throws<InvalidOperationException>(() => annotations.GetValue("Height", ref wrong));
        var selected = new DataViewSchema.Annotations.Builder();
        selected.Add(annotations, kind => kind == "Names");
        Assert.Equal(["Names"], selected.ToAnnotations().Schema.Select(c => c.Name));
    }
}
