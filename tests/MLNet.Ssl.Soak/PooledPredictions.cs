using Microsoft.ML;
using MLNet.Ssl.Tests;

namespace MLNet.Ssl.Soak;

/// <summary>Eight threads predict through one pool on a loaded model, now and then without an image; the answers are
/// those of a single thread.</summary>
internal static class PooledPredictions
{
    private const int Threads = 8, Images = 64, BadEvery = 50;

    public static void Run(Tally tally)
    {
        var ml = new MLContext(seed: 1);
        var files = ml.SelfSupervised().Model;
        using var folder = new TemporaryFolder();
        var fitted = SavedModels.Fit(ml, "images with neighbours");
        files.Save(fitted, null, folder.File("model.zip"));
        (fitted as IDisposable)?.Dispose();
        var model = files.Load(folder.File("model.zip"), out _);
        SavedModels.Answer[] expected;
        var borrowed = new PredictionEngineOptions { OwnsTransformer = false };
        using (var engine = ml.Model.CreatePredictionEngine<SavedModels.Labelled, SavedModels.Answer>(model, borrowed))
            expected = [.. Enumerable.Range(0, Images).Select(i => Ask(engine.Predict, i))];
        using (var pool = files.CreatePredictionPool<SavedModels.Labelled, SavedModels.Answer>(model))
        {
            var threads = Enumerable.Range(0, Threads)
                .Select(seed => new Thread(() => Predict(tally, pool, expected, new(seed)))).ToList();
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
        }
        (model as IDisposable)?.Dispose();
    }

    private static void Predict(Tally tally, PredictionPool<SavedModels.Labelled, SavedModels.Answer> pool,
        SavedModels.Answer[] expected, Random random)
    {
        while (tally.IsTimeLeft)
        {
            int image = random.Next(Images);
            if (random.Next(BadEvery) == 0)
                tally.Try("rows without an image refused", () =>
                    Assert.ThrowsAny<Exception>(() => pool.Predict(new())));
            else
                tally.Try("predictions", () =>
                {
                    var answer = Ask(pool.Predict, image);
                    Assert.Equal(expected[image].Class, answer.Class);
                    TestImages.AssertClose(expected[image].Embedding, answer.Embedding, 1e-6f);
                    TestImages.AssertClose(expected[image].Score, answer.Score, 1e-6f);
                });
        }
    }

    private static SavedModels.Answer Ask(Func<SavedModels.Labelled, SavedModels.Answer> predict, int image)
    {
        using var drawn = TestImages.Image(image);
        return predict(new() { Image = drawn });
    }
}
