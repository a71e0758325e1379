using MLNet.Ssl.Networks;
using MLNet.Ssl.Pretrained;
using MLNet.Ssl.Weights;
using TorchSharp;

namespace MLNet.Ssl.ModelFiles;

/// <summary>Networks whose architecture a description has, and whose weights are in an entry.</summary>
internal static class SavedNetwork
{
    /// <summary>Builds a network and fills it with the entry's weights, all of them and no others.</summary>
    /// <param name="file">The model file.</param>
    /// <param name="weights">The entry, a safetensors file.</param>
    /// <param name="size">What the architecture has at least.</param>
    /// <param name="create">Builds the network on the CPU.</param>
    public static T Read<T>(ModelReader file, string weights, ArchitectureSize size, Func<torch.Generator, T> create)
        where T : torch.nn.Module =>
        file.Read(weights, stream =>
        {
            var (tensors, _) = SafeTensorsReader.Read(stream);
            // A description may claim any size; nothing is built that the entry could not fill.
            size.Check(tensors.Count, stream.Length);
            using var generator = new torch.Generator(0, torch.CPU);
            var network = create(generator);
            try
            {
                var stored = StoredNetwork.Whole(tensors)!;
                var state = network.state_dict();
                StateDictMatch.Copy(stored, state,
                    StateDictMatch.Compare(stored, state.Select(s => (s.Key, s.Value.shape))));
                return network.to(file.Device);
            }
            catch
            {
                network.Dispose();
                throw;
            }
        });
}
