// The three steps of SimCLR v2 on CIFAR-10: pretrain on all images without labels, fine-tune on the few labels, distil
// into a student on all images again.
using System.CommandLine;
using Distillation;

var data = new Option<string?>("--data") { Description = "Folder with CIFAR-10 in its binary format, plain or .gz" };
var download = new Option<bool>("--download")
{
    Description = "Download CIFAR-10 (162 MB) where it is not there; without it the shipped Fashion-MNIST is taken",
};
var labels = new Option<double>("--labels")
{
    Description = "Share of the images whose label is known",
    DefaultValueFactory = _ => 0.05,
};
var epochs = new Option<int>("--epochs")
{
    Description = "Passes over the unlabelled images, for pretraining and again for distillation",
    DefaultValueFactory = _ => 12,
};
var fineTuneEpochs = new Option<int>("--fine-tune-epochs")
{
    Description = "Passes over the labelled images",
    DefaultValueFactory = _ => 40,
};
var seed = new Option<int>("--seed") { Description = "Seed of everything random", DefaultValueFactory = _ => 1 };
labels.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not (> 0 and <= 1))
        result.AddError("--labels must be above 0 and at most 1.");
});

var command = new RootCommand("SimCLR v2's three steps on CIFAR-10: pretrain, fine-tune on few labels, distil.")
{
    data, download, labels, epochs, fineTuneEpochs, seed,
};
command.SetAction(o => Steps.Run(
    o.GetValue(data), o.GetValue(download), o.GetValue(labels), o.GetValue(epochs), o.GetValue(fineTuneEpochs),
    o.GetValue(seed)));
return command.Parse(args).Invoke();
