namespace MLNet.Ssl.Checkpoints;

/// <summary>Passes messages on and keeps the text of the first: what is wrong with the newest checkpoint.</summary>
internal sealed class FirstMessage(Action<TrainingMessage>? log)
{
    public string? Text { get; private set; }

    public void Take(TrainingMessage message)
    {
        Text ??= message.Text;
        log?.Invoke(message);
    }
}
