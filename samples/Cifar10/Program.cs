// Learns an encoder from unlabelled images, CIFAR-10 or Fashion-MNIST, inside an ML.NET pipeline, and measures what its
// embeddings are worth, before and after.
using System.CommandLine;
using Cifar10;

var data = new Option<string?>("--data") { Description = "Folder with CIFAR-10 in its binary format, plain or .gz" };
var download = new Option<bool>("--download")
{
    Description = "Download CIFAR-10 (162 MB) where it is not there; without it the shipped Fashion-MNIST is taken",
};
var method = new Option<string>("--method")
{
    Description = "Self-supervised method",
    DefaultValueFactory = _ => "simclr",
};
var backbone = new Option<string>("--backbone")
{
    Description = "Network of the encoder",
    DefaultValueFactory = _ => "resnet",
};
var epochs = new Option<int?>("--epochs")
{
    Description = "Passes over the unlabelled images; by default 12, of DINO with its six crops 5",
};
var seed = new Option<int>("--seed") { Description = "Seed of everything random", DefaultValueFactory = _ => 1 };
var report = new Option<string?>("--report")
{
    Description = "HTML file that receives a report of the run, to look at in a browser",
};
var tensorBoard = new Option<string?>("--tensorboard")
{
    Description = "Folder that receives the run's curves, for tensorboard --logdir",
};
method.AcceptOnlyFromAmong("simclr", "dino", "moco", "mocov3", "byol");
backbone.AcceptOnlyFromAmong("resnet", "vit");
epochs.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() < 1) result.AddError("--epochs must be 1 or more.");
});

var command = new RootCommand("Self-supervised pretraining on unlabelled images in an ML.NET pipeline.")
{
    data, download, method, backbone, epochs, seed, report, tensorBoard,
};
command.SetAction(options => Demo.Run(
    options.GetValue(data), options.GetValue(download), options.GetValue(method)!, options.GetValue(backbone)!,
    options.GetValue(epochs) ?? (options.GetValue(method) == "dino" ? 5 : 12),
    options.GetValue(seed), options.GetValue(report), options.GetValue(tensorBoard)));
return command.Parse(args).Invoke();
