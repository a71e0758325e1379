// Learns an encoder from unlabelled CIFAR-10 images inside an ML.NET pipeline, and measures what its embeddings are
// worth, before and after.
using System.CommandLine;
using Cifar10;

var data = new Option<string?>("--data") { Description = "Folder with CIFAR-10 in its binary format, plain or .gz" };
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
method.AcceptOnlyFromAmong("simclr", "dino", "moco", "byol");
backbone.AcceptOnlyFromAmong("resnet", "vit");
epochs.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() < 1) result.AddError("--epochs must be 1 or more.");
});

var command = new RootCommand("Self-supervised pretraining on unlabelled CIFAR-10 images in an ML.NET pipeline.")
{
    data, method, backbone, epochs, seed, report, tensorBoard,
};
command.SetAction(options => Demo.Run(
    options.GetValue(data), options.GetValue(method)!, options.GetValue(backbone)!,
    options.GetValue(epochs) ?? (options.GetValue(method) == "dino" ? 5 : 12),
    options.GetValue(seed), options.GetValue(report), options.GetValue(tensorBoard)));
return command.Parse(args).Invoke();
