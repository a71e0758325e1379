using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MLNet.Ssl.Onnx;

/// <summary>
/// The same number in every row: what <c>MapValue</c> needs to put a text in every row, by which a custom mapping is
/// told what only the model knows.
/// </summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class ConstantMapping : CustomMappingFactory<ConstantMapping.Nothing, ConstantMapping.Row>
{
    public const string Contract = "MLNet.Ssl.Onnx.Constant";

    public override Action<Nothing, Row> GetMapping()
    {
        SizeMapping.Begin();
        return (_, row) => row.One = 1;
    }

    internal sealed class Nothing;

    internal sealed class Row
    {
        [ColumnName(Columns.One)]
        public uint One { get; set; }
    }
}
