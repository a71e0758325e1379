using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.ModelFiles;

/// <summary>A chain: its members in order, each with the scope that <c>GetModelFor</c> keeps it in.</summary>
internal sealed record ChainPart(IReadOnlyList<ChainPart.Link> Members) : SavedPart
{
    internal sealed record Link(TransformerScope Scope, SavedPart Transformer);

    public static ChainPart Of(ITransformer[] members, ITransformer chain, ModelWriter file)
    {
        var scopes = Scopes(members, chain);
        return new([.. members.Select((member, i) => new Link(scopes[i], SavedPart.Of(member, file)))]);
    }

    public override ITransformer Restore(ModelReader file)
    {
        if (Members.Contains(null!)) throw new InvalidDataException("a member of a chain is null.");
        var members = Members.Select(member => file.Restore(member.Transformer)).ToArray();
        return new TransformerChain<ITransformer>(members, Members.Select(member => member.Scope));
    }

    // A chain tells its members' scopes only by what it keeps in each.
    private static TransformerScope[] Scopes(ITransformer[] members, ITransformer chain)
    {
        var keep = chain.GetType().GetMethod(nameof(TransformerChain<ITransformer>.GetModelFor))!;
        var scopes = new TransformerScope[members.Length];
        foreach (var scope in new[] { TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring })
        {
            var kept = new Queue<ITransformer>((IEnumerable<ITransformer>)keep.Invoke(chain, [scope])!);
            for (int i = 0; i < members.Length; i++)
            {
                if (!kept.TryPeek(out var next) || !ReferenceEquals(next, members[i])) continue;
                scopes[i] |= scope;
                kept.Dequeue();
            }
        }
        return scopes;
    }
}
