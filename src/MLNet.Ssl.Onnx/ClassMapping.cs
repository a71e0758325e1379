using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace MLNet.Ssl.Onnx;

/// <summary>The class with the highest score, from 0; of equal ones the first.</summary>
[CustomMappingFactoryAttribute(Contract)]
internal sealed class ClassMapping : CustomMappingFactory<ClassMapping.Scores, ClassMapping.Row>
{
    public const string Contract = "MLNet.Ssl.Onnx.Class";

    public override Action<Scores, Row> GetMapping() => (scores, row) =>
    {
        var values = scores.Result.GetValues();
        int best = 0;
        for (int c = 1; c < values.Length; c++)
            if (values[c] > values[best]) best = c;
        row.Class = (uint)best;
    };

    internal sealed class Scores
    {
        [ColumnName(Columns.Result)]
        public VBuffer<float> Result { get; set; }
    }

    internal sealed class Row
    {
        [ColumnName(Columns.Class)]
        public uint Class { get; set; }
    }
}
