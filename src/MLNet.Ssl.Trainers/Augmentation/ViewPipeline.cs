using System.Runtime.ExceptionServices;
using MLNet.Ssl.Data;
using MLNet.Ssl.Images;
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
    private readonly List<(int First, int Count)> _runs = [];

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
        for (int view = 0; view < _recipes.Length; view++)
        {
            if (_runs is [.., var (first, count)] && _recipes[first].Size == _recipes[view].Size
                && _recipes[first].Normalization == _recipes[view].Normalization)
                _runs[^1] = (first, count + 1);
            else
                _runs.Add((view, 1));
        }
    }

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
        int count = indices.Length;
        var views = Array.ConvertAll(_recipes, recipe =>
            empty(count, 3, recipe.Size, recipe.Size, ScalarType.Float32, CPU));
        var rows = Array.ConvertAll(views, view => new TensorRows(view));
        Render(store, indices, stop, [.. views, .. rows], (workspace, image, sample, view, row) =>
            RenderView(workspace, image, sample, view, epoch, rows[view][row]));
        foreach (var view in rows) view.Dispose();
        return views;
    }

    /// <summary>The same views as they are before they are normalised, for
    /// <see cref="Normalize"/> on another device.</summary>
    /// <returns>For every run of recipes of one size and normalisation a new uint8 CPU tensor (views in the run ·
    /// indices, 3, Size, Size), view-major; the caller owns them.</returns>
    /// <inheritdoc cref="Render(IImageSource, ReadOnlySpan{int}, int, CancellationToken)"/>
    public Tensor[] RenderBytes(
        IImageSource store, ReadOnlySpan<int> indices, int epoch, CancellationToken stop = default)
    {
        int count = indices.Length;
        var runs = _runs.ConvertAll(run => empty(
            run.Count * count, 3, _recipes[run.First].Size, _recipes[run.First].Size, ScalarType.Byte, CPU));
        var rows = runs.ConvertAll(run => new TensorRows(run));
        var runOf = _runs.SelectMany((run, i) => Enumerable.Repeat((Rows: rows[i], run.First), run.Count)).ToArray();
        Render(store, indices, stop, [.. runs, .. rows], (workspace, image, sample, view, row) =>
            RenderPlanes(workspace, image, sample, view, epoch)
                .CopyPlanesTo(runOf[view].Rows.Bytes((view - runOf[view].First) * count + row)));
        foreach (var run in rows) run.Dispose();
        return [.. runs];
    }

    /// <summary>What <see cref="Render(IImageSource, ReadOnlySpan{int}, int, CancellationToken)"/> gives, of
    /// <see cref="RenderBytes"/>' on their device.</summary>
    public Tensor[] Normalize(IReadOnlyList<Tensor> runs) =>
        [.. _runs.SelectMany((run, i) => _recipes[run.First].Normalization.Apply(runs[i]).chunk(run.Count))];

    private delegate void RenderOne(ViewWorkspace workspace, RgbImage image, int sample, int view, int row);

    /// <summary>Renders into tensors, which are disposed of where that fails.</summary>
    private void Render(
        IImageSource store, ReadOnlySpan<int> indices, CancellationToken stop, IReadOnlyList<IDisposable> into,
        RenderOne render)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (indices.IsEmpty) throw new ArgumentException("There is no index; expected at least one.", nameof(indices));
        foreach (int index in indices) Check.InRange(index, 0, store.Count - 1, nameof(indices));

        int[] samples = indices.ToArray();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _threads, CancellationToken = stop };
        try
        {
            Parallel.For(0, samples.Length, parallel, ViewWorkspace.Rent, (row, _, workspace) =>
            {
                var image = store.Read(samples[row], workspace.Source);
                for (int view = 0; view < _recipes.Length; view++) render(workspace, image, samples[row], view, row);
                return workspace;
            }, workspace => workspace.Return());
        }
        catch (Exception e)
        {
            foreach (var part in into) part.Dispose();
            if (e is AggregateException { InnerExceptions: [var first, ..] }) ExceptionDispatchInfo.Throw(first);
            throw;
        }
    }

    /// <summary>Renders one view of <paramref name="image"/> into (3, Size, Size).</summary>
    internal void RenderView(ViewWorkspace workspace, RgbImage image, int sample, int view, int epoch, Span<float> chw)
    {
        _recipes[view].Normalization.Apply(RenderPlanes(workspace, image, sample, view, epoch), chw);
    }

    private PlanarImage RenderPlanes(ViewWorkspace workspace, RgbImage image, int sample, int view, int epoch)
    {
        var recipe = _recipes[view];
        var plan = ViewPlan.Draw(recipe, image.Width, image.Height, new ViewRandom(_seed, epoch, sample, view));
        return workspace.Render(image, recipe, plan);
    }
}
