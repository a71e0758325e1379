using Microsoft.ML.Runtime;

namespace MLNet.Ssl.Hosting;

/// <summary>ML.NET's log as the receiver of what a run says.</summary>
internal static class ChannelExtensions
{
    public static void Write(this IChannel channel, TrainingMessage message)
    {
        if (message.IsWarning) channel.Warning(MessageSensitivity.None, message.Text);
        else channel.Info(MessageSensitivity.None, message.Text);
    }
}
