// A method of one's own, BarlowTwins.cs, trained like any other: with checkpoints, a report,
// and resumed where it was interrupted.
using CustomMethod;
using Microsoft.ML;
using MLNet.Ssl;
using MLNet.Ssl.Samples;

string folder = args.Length > 0 ? args[0] : "barlow-twins";
var (trainSet, testSet) = FashionMnist.Read();
var ml = new MLContext(seed: 1);
var (train, test) = (ml.Data.LoadFromEnumerable(trainSet.Rows()), ml.Data.LoadFromEnumerable(testSet.Rows()));

var report = new PretrainReport();
var options = new BarlowTwinsOptions
{
    Backbone = SmallSettings.ResNet,
    // Small crops of small pictures tell nothing at all.
    View = ViewRecipes.SimClr() with { Scale = (0.3, 1), BlurProbability = 0 },
    BatchSize = 64,
    LearningRate = 0.004,
    Epochs = 12,
    Seed = 1,
    // A second run of this program goes on where a first one was stopped by Ctrl+C, and from its end.
    CheckpointFolder = Path.Combine(folder, "checkpoints"),
    CheckpointEvery = CheckpointInterval.Epochs(),
    Resume = true,
    Progress = new ProgressGroup(report, new ConsoleProgress()),
};
double before = Accuracy(options with { Epochs = 0, CheckpointFolder = null, Resume = false, Progress = null });
double after = Accuracy(options);
Console.WriteLine(FormattableString.Invariant($"kNN accuracy: untrained {before:0.000}, pretrained {after:0.000}"));
report.Write(Path.Combine(folder, "report.html"));

double Accuracy(PretrainOptions told)
{
    using var encoder = ml.SelfSupervised().Pretrain("Embedding", "Image", told).Fit(train);
    var knn = ml.Transforms.Conversion.MapValueToKey("Label")
        .Append(ml.MulticlassClassification.Trainers.NearestNeighbors("Label", "Embedding"))
        .Fit(encoder.Transform(train));
    return ml.MulticlassClassification.Evaluate(knn.Transform(encoder.Transform(test))).MicroAccuracy;
}
