using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.Tests;

public sealed class FineTunePipelineTests
{
    private readonly MLContext _ml = new(seed: 1);

    private IDataView Keyed(IDataView view) =>
        _ml.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view);

    [Fact]
    public void FineTunedAndDistilledNetworksPredictAsMlNetsTrainersDo()
    {
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(24)));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        using var teacher =
            ssl.FineTune("PredictedLabel", "Image", "Label", encoder, new() { Epochs = 2, BatchSize = 8 }).Fit(view);
        using var student = ssl.Distill("PredictedLabel", "Image", null, teacher, new() { Epochs = 1, BatchSize = 8 })
            .Fit(view);
        foreach (var transformer in new ITransformer[] { teacher, student })
        {
            var predicted = transformer.Transform(view);
            int classes = (int)((KeyDataViewType)view.Schema["Label"].Type).Count;
            Assert.Equal(new KeyDataViewType(typeof(uint), classes), predicted.Schema["PredictedLabel"].Type);
            Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, classes), predicted.Schema["Score"].Type);
            Assert.InRange(_ml.MulticlassClassification.Evaluate(predicted).MicroAccuracy, 0, 1);
            var back = _ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(predicted).Transform(predicted);
            Assert.Equal(view.Schema["Label"].Annotations.Schema.Count > 0,
                back.Schema["PredictedLabel"].Type is not KeyDataViewType);
            foreach (float[] scores in predicted.GetColumn<float[]>("Score")) Assert.Equal(1, scores.Sum(), 1e-4);
        }
    }

    [Fact]
    public void AnEncoderOrTeacherThatWasDisposedOfIsNamed()
    {
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(24)));
        var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        var tuning = ssl.FineTune("PredictedLabel", "Image", "Label", encoder, new() { Epochs = 1, BatchSize = 8 });
        var teacher = tuning.Fit(view);
        encoder.Dispose();
        Assert.Contains(nameof(ImageEncoder), Assert.Throws<ObjectDisposedException>(() => tuning.Fit(view)).Message);
        teacher.Dispose();
        var distilling = ssl.Distill("PredictedLabel", "Image", null, teacher, new() { Epochs = 1, BatchSize = 8 });
        Assert.Throws<ObjectDisposedException>(() => distilling.Fit(view));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void AModelFileKeepsClassifiersWithTheLayersOfTheirHeadToTheLastBit(int headLayers)
    {
        using var folder = new TemporaryFolder();
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(24)));
        using var encoder = ssl.Pretrain("Embedding", "Image",
            TestImages.Untrained with { HeadLayers = 3, ProjectionDimension = 8 }).Fit(view);
        using var fitted = ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 10, BatchSize = 8, HeadLayers = headLayers }).Fit(view);
        ssl.Model.Save(fitted, view.Schema, folder.File("model.zip"));
        using var loaded = (ImageClassificationTransformer)ssl.Model.Load(folder.File("model.zip"), out _);
        float[][] Scores(ITransformer model) => [.. model.Transform(view).GetColumn<float[]>("Score")];
        Assert.Equal(Scores(fitted), Scores(loaded));
        Assert.NotEqual(Scores(fitted)[0], Scores(fitted)[1]);
        string[] Names(ITransformer model) =>
            [.. _ml.Transforms.Conversion.MapKeyToValue("Class", "PredictedLabel").Fit(model.Transform(view))
            .Transform(model.Transform(view)).GetColumn<string>("Class")];
        Assert.Equal(Names(fitted), Names(loaded));
        // A loaded classifier teaches as the fitted one does.
        using var student = ssl.Distill("PredictedLabel", "Image", null, loaded, new() { Epochs = 1, BatchSize = 8 })
            .Fit(view);
        Assert.Equal(fitted.Classifier.NumberOfClasses, student.Classifier.NumberOfClasses);
    }

    [Fact]
    public void TheShapeIsThatOfWhatIsFitted()
    {
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(8)));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        var estimator = ssl.FineTune("Predicted", "Image", "Label", encoder, new() { Epochs = 1 },
            scoreColumnName: "Probabilities");
        var shape = estimator.GetOutputSchema(SchemaShapes.Of(view.Schema));
        Assert.True(Assert.Single(shape, c => c.Name == "Predicted").IsKey);
        Assert.Equal(SchemaShape.Column.VectorKind.Vector, Assert.Single(shape, c => c.Name == "Probabilities").Kind);
    }

    [Fact]
    public void ColumnsThatDoNotSuitAreNamed()
    {
        var ssl = _ml.SelfSupervised();
        var view = _ml.View(TestImages.Rows(8));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            ssl.FineTune("PredictedLabel", "Image", "Label", encoder).Fit(view));
        Assert.Contains("'Label': expected a key", error.Message);
        Assert.Contains("'Nothing'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            ssl.FineTune("PredictedLabel", "Nothing", "Label", encoder).Fit(Keyed(view))).Message);
        Assert.Throws<ArgumentNullException>(() => ssl.FineTune("PredictedLabel", "Image", "Label", null!));
    }

    [Fact]
    public void AValidationEndsTheRunAndIsSaidInLogAndProgress()
    {
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(24)));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        var reports = new List<TrainingProgress>();
        var log = new List<string>();
        _ml.Log += (_, line) => log.Add(line.Message);
        // The only class that the validation has is learned by heart, or not at all: the accuracy stays at its best.
        var estimator = ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 400, BatchSize = 8, LearningRate = 0.5, Progress = new Collect(reports.Add) });
        using var fitted = estimator.WithValidation(_ml.Data.TakeRows(view, 4), patience: 5).Fit(view);
        var measured = reports.Where(report => report.ValidationAccuracy is not null).ToList();
        Assert.InRange(measured[^1].Epoch, 6, 399);
        Assert.Contains(log, line => line.Contains("(4 images)", StringComparison.Ordinal));
        Assert.Contains(log, line => line.Contains("Validation.Patience", StringComparison.Ordinal));
        double best = _ml.MulticlassClassification.Evaluate(fitted.Transform(_ml.Data.TakeRows(view, 4))).MicroAccuracy;
        Assert.Equal(measured.Max(report => report.ValidationAccuracy)!.Value, best, 6);
        // The estimator that it was made of measures nothing.
        reports.Clear();
        ssl.FineTune("PredictedLabel", "Image", "Label", encoder,
            new() { Epochs = 1, BatchSize = 8, Progress = new Collect(reports.Add) }).Fit(view).Dispose();
        Assert.All(reports, report => Assert.Null(report.ValidationAccuracy));
    }

    [Fact]
    public void AStudentWithoutLabelsIsValidatedByTheTeachersClasses()
    {
        var ssl = _ml.SelfSupervised();
        var view = Keyed(_ml.View(TestImages.Rows(16)));
        using var encoder = ssl.Pretrain("Embedding", "Image", TestImages.Untrained).Fit(view);
        // A chain that ends in a classifier teaches as the classifier does, and is exported.
        using var chain = _ml.Transforms.CopyColumns("Copy", "Number")
            .Append(ssl.FineTune("PredictedLabel", "Image", "Label", encoder, new() { Epochs = 1, BatchSize = 8 }))
            .Fit(view);
        var reports = new List<TrainingProgress>();
        var estimator = ssl.Distill("PredictedLabel", "Image", null, chain,
            new() { Epochs = 2, BatchSize = 8, Progress = new Collect(reports.Add) });
        estimator.WithValidation(view, "Label", everyEpochs: 2).Fit(view).Dispose();
        Assert.Equal(2, Assert.Single(reports, report => report.ValidationAccuracy is not null).Epoch);
        using MemoryStream whole = new(), alone = new();
        chain.ExportOnnx(whole);
        chain.LastTransformer.ExportOnnx(alone);
        Assert.Equal(alone.ToArray(), whole.ToArray());

        Assert.Contains("name the column",
            Assert.Throws<ArgumentException>(() => estimator.WithValidation(view)).Message);
        var renamed = Keyed(_ml.View(TestImages.Rows(16).Skip(1)));
        foreach (Action act in new Action[]
        {
            () => estimator.WithValidation(renamed, "Label").Fit(view),
            () => ssl.Distill("PredictedLabel", "Image", "Label", chain).Fit(renamed),
            () => ssl.FineTune("PredictedLabel", "Image", "Label", encoder).WithValidation(renamed).Fit(view),
        })
            Assert.Contains("class 1 under two names", Assert.Throws<ArgumentException>(act).Message);
    }
}
