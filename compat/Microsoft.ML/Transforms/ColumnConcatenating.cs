namespace Microsoft.ML.Transforms
{
    using Microsoft.ML.Data;

    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingEstimator(string outputColumnName, string[] inputColumnNames)
        {
            if (string.IsNullOrEmpty(outputColumnName)) throw new ArgumentException("The output column needs a name", nameof(outputColumnName));
            if (inputColumnNames is not { Length: > 0 }) throw new ArgumentException("Input columns not specified", nameof(inputColumnNames));
            (_output, _inputs) = (outputColumnName, inputColumnNames);
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            ArgumentNullException.ThrowIfNull(input);
            var transformer = new ColumnConcatenatingTransformer(_output, _inputs);
            transformer.GetOutputSchema(input.Schema);
            return transformer;
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            var inputs = Array.ConvertAll(_inputs, name => inputSchema.Find(name));
            foreach (var input in inputs)
            {
                if (input.ItemType.Equals(inputs[0].ItemType) && input.IsKey == inputs[0].IsKey) continue;
                throw SchemaMismatch.WrongType("input", input.Name, inputs[0].GetTypeString(), input.GetTypeString());
            }
            var isVariable = inputs.Any(c => c.Kind == SchemaShape.Column.VectorKind.VariableVector);
            var kind = isVariable ? SchemaShape.Column.VectorKind.VariableVector : SchemaShape.Column.VectorKind.Vector;
            if (inputs.Length == 1 && inputs[0].Kind == kind) return inputSchema.With(inputs[0].Named(_output));
            var annotations = new List<SchemaShape.Column>();
            var hasNames = !isVariable && inputs.Any(c => c.Kind == SchemaShape.Column.VectorKind.Scalar || c.HasAnnotation(AnnotationKinds.SlotNames));
            if (hasNames)
                annotations.Add(new SchemaShape.Column(AnnotationKinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false));
            if (inputs.All(c => c.HasAnnotation(AnnotationKinds.IsNormalized)))
                annotations.Add(new SchemaShape.Column(AnnotationKinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance,
                    false));
            return inputSchema.With(new SchemaShape.Column(_output, kind, inputs[0].ItemType, inputs[0].IsKey, new SchemaShape(annotations)));
        }
    }
}

namespace Microsoft.ML.Data
{
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase, ILoadable
    {
        private readonly string _output;
        private readonly string[] _inputs;

        internal ColumnConcatenatingTransformer(string output, string[] inputs) => (_output, _inputs) = (output, inputs);

        private protected override IEnumerable<MappedColumn> MapColumns(DataViewSchema inputSchema)
        {
            var sources = Array.ConvertAll(_inputs, name => inputSchema.Find(name));
            if (sources is [{ Type: VectorDataViewType }]) return [MappedColumn.Copy(sources[0], _output)];
            var item = sources[0].Type.ItemType() as PrimitiveDataViewType
                ?? throw SchemaMismatch.WrongType("input", sources[0].Name, "a primitive type or a vector", sources[0].Type.ToString());
            foreach (var source in sources)
                if (!source.Type.ItemType().Equals(item))
                    throw SchemaMismatch.WrongType("input", source.Name, $"{item} or a vector of it", source.Type.ToString());
            var isVariable = sources.Any(c => c.Type is VectorDataViewType { IsKnownSize: false });
            var type = new VectorDataViewType(item, isVariable ? 0 : sources.Sum(c => Slots.CountOf(c.Type)));
            return [new MappedColumn(_output, type, Annotations(sources, isVariable), Array.ConvertAll(sources, c => c.Index),
                row => Generic.Call(Getter<int>, item.RawType, row, sources))];
        }

        private static DataViewSchema.Annotations Annotations(DataViewSchema.Column[] sources, bool isVariable)
        {
            var builder = new DataViewSchema.Annotations.Builder();
            if (!isVariable && sources.Any(c => c.Type is not VectorDataViewType || c.HasSlotNames())) builder.AddSlotNames(sources.SelectMany(SlotNames));
            if (sources.All(c => c.IsNormalized())) builder.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
            return builder.ToAnnotations();
        }

        private static IEnumerable<string> SlotNames(DataViewSchema.Column source)
        {
            if (source.Type is not VectorDataViewType vector) return [source.Name];
            if (!source.HasSlotNames()) return Enumerable.Repeat("", vector.Size);
            VBuffer<ReadOnlyMemory<char>> names = default;
            source.GetSlotNames(ref names);
            return names.DenseValues().Select(n => n.ToString());
        }

        private static Delegate Getter<T>(DataViewRow row, DataViewSchema.Column[] sources)
        {
            var getters = Array.ConvertAll(sources, c => c.Type is VectorDataViewType ? row.GetGetter<VBuffer<T>>(c) : AsVector(row.GetGetter<T>(c)));
            var parts = new VBuffer<T>[sources.Length];
            return (ValueGetter<VBuffer<T>>)((ref VBuffer<T> destination) =>
            {
                for (var i = 0; i < parts.Length; i++) getters[i](ref parts[i]);
                var editor = VBufferEditor.Create(ref destination, parts.Sum(p => p.Length));
                var at = 0;
                foreach (var part in parts)
                {
                    part.CopyTo(editor.Values, at);
                    at += part.Length;
                }
                destination = editor.Commit();
            });
        }

        private static ValueGetter<VBuffer<T>> AsVector<T>(ValueGetter<T> scalar)
        {
            return (ref VBuffer<T> destination) =>
            {
                var editor = VBufferEditor.Create(ref destination, 1);
                scalar(ref editor.Values[0]);
                destination = editor.Commit();
            };
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            var writer = ctx.Begin<ColumnConcatenatingTransformer>();
            writer.Write(_output);
            writer.WriteList(_inputs, writer.Write);
        }

        static ICanSaveModel ILoadable.Load(ModelLoadContext ctx)
            => new ColumnConcatenatingTransformer(ctx.Reader.ReadString(), ctx.Reader.ReadList(ctx.Reader.ReadString));
    }
}
