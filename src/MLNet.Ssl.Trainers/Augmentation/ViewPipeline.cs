using System.Runtime.ExceptionServices;
using MLNet.Ssl.Data;
using MLNet.Ssl.Options;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Augmentation;

/// <summary>
/// Makes the random views of a batch on several threads. A view depends on seed, epoch, sample and its position among
/// the recipes only, so results are the same for any number of threads, batch size and order.
/// </summary>
/// <example><code>
/// var pipeline = new ViewPipeline([ViewRecipes.MoCoV3View1(), ViewRecipes.MoCoV3View2()], seed: 1, threads: 8);
/// Tensor[] views = pipeline.Render(store, batchIndices, epoch);   // two (B, 3, 224, 224) tensors
/// </code></example>
internal sealed class ViewPipeline
{
    private readonly ViewRecipe[] _recipes;
    private readonly ulong _seed;
    private readonly int _threads;

    /// <summary>Creates a pipeline of one view per recipe.</summary>
    /// <param name="recipes">At least one recipe; each yields one view of every image.</param>
    /// <param name="seed">Seed of all random draws.</param>
    /// <param name="threads">Number of threads to use at most, at least 1.</param>
    /// <exception cref="ArgumentException">There is no recipe.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option of a recipe or <paramref name="threads"/> is out of
    /// range.</exception>
    public ViewPipeline(IReadOnlyList<ViewRecipe> recipes, ulong seed, int threads)
    {
        ArgumentNullException.ThrowIfNull(recipes);
        if (recipes.Count == 0)
            throw new ArgumentException("There is no recipe; expected one per view.", nameof(recipes));
        foreach (var recipe in recipes) recipe.Validate();
        Check.InRange(threads, 1, int.MaxValue);
        _recipes = [.. recipes];
        _seed = seed;
        _threads = threads;
    }

    /// <summary>The recipes, in the order of the views.</summary>
    public IReadOnlyList<ViewRecipe> Recipes => _recipes;

    /// <summary>Renders the views of some images.</summary>
    /// <param name="store">The images.</param>
    /// <param name="indices">Which images, at least one; one may occur several times and then has the same
    /// views.</param>
    /// <param name="epoch">Number of the epoch; another one gives other views.</param>
    /// <param name="stop">Stops before the next image.</param>
    /// <returns>Per recipe one new float32 CPU tensor (indices, 3, Size, Size), normalised; the caller owns
    /// them.</returns>
    /// <exception cref="ArgumentException">There is no index.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index is outside the store.</exception>
    /// <exception cref="InvalidOperationException">An image cannot be read; the message names it.</exception>
    public Tensor[] Render(
        IImageSource store, ReadOnlySpan<int> indices, int epoch, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (indices.IsEmpty) throw new ArgumentException("There is no index; expected at least one.", nameof(indices));
        foreach (int index in indices) Check.InRange(index, 0, store.Count - 1, nameof(indices));

        int[] samples = indices.ToArray();
        var views = Array.ConvertAll(_recipes, recipe =>
            empty(samples.Length, 3, recipe.Size, recipe.Size, ScalarType.Float32, CPU));
        var rows = Array.ConvertAll(views, view => new TensorRows(view));
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _threads, CancellationToken = stop };
        try
        {
            Parallel.For(0, samples.Length, parallel, ViewWorkspace.Rent, (row, _, workspace) =>
            {
                var image = store.Read(samples[row], workspace.Source);
                for (int view = 0; view < views.Length; view++)
                    RenderView(workspace, image, samples[row], view, epoch, rows[view][row]);
                return workspace;
            }, workspace => workspace.Return());
        }
        catch (Exception e)
        {
            foreach (var view in views) view.Dispose();
            if (e is AggregateException { InnerExceptions: [var first, ..] }) ExceptionDispatchInfo.Throw(first);
            throw;
        }
        finally
        {
            foreach (var view in rows) view.Dispose();
        }
        return views;
    }

    /// <summary>Renders one view of <paramref name="image"/> into (3, Size, Size).</summary>
    internal void RenderView(ViewWorkspace workspace, RgbImage image, int sample, int view, int epoch, Span<float> chw)
    {
        var recipe = _recipes[view];
        var plan = ViewPlan.Draw(recipe, image.Width, image.Height, new ViewRandom(_seed, epoch, sample, view));
        recipe.Normalization.Apply(workspace.Render(image, recipe, plan), chw);
    }
}
