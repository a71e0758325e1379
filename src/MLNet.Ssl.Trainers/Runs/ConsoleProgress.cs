using System.Globalization;
using MLNet.Ssl.Runs;

namespace MLNet.Ssl;

/// <summary>
/// Shows a run on the console: a bar on a terminal; where the output goes to a file or a pipe, a line after the first
/// step, at ends of epochs and every ten seconds. Warnings stand in lines of their own.
/// </summary>
/// <example><code>
/// var options = new SimClrOptions { Progress = new ConsoleProgress() };
/// </code></example>
public sealed class ConsoleProgress : IProgress<TrainingProgress>, IRunObserver
{
    private const int BarWidth = 40;

    private readonly Lock _gate = new();
    private readonly TextWriter _output;
    private readonly Func<int>? _width;
    private ProgressLines _lines;
    private string _rows = "rows";
    private bool _isObserver, _isDrawn;

    /// <summary>Writes to <see cref="Console.Out"/>.</summary>
    public ConsoleProgress()
        : this(Console.Out, Console.IsOutputRedirected ? null : () => Console.WindowWidth)
    {
    }

    /// <param name="output">Where it writes.</param>
    /// <param name="width">Columns of the terminal; null where it is none.</param>
    internal ConsoleProgress(TextWriter output, Func<int>? width)
    {
        (_output, _width) = (output, width);
        _lines = new(output.WriteLine);
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        ArgumentNullException.ThrowIfNull(value);
        lock (_gate)
        {
            if (_width is not null)
            {
                Draw(Bar(value));
                if (value.Step == value.TotalSteps) EndLine();
            }
            // An observer hears the same lines as the log.
            else if (!_isObserver) _lines.Add(value);
        }
    }

    void IRunObserver.OnStart(RunDescription run)
    {
        lock (_gate)
        {
            (_isObserver, _rows) = (true, run.Views.Count > 0 ? "images" : "rows");
            string network = run.Options.GetValueOrDefault(nameof(PretrainOptions.Backbone)) is { } name ? $": {name}"
                : "";
            WriteLine(run.Title + network);
        }
    }

    void IRunObserver.OnMessage(TrainingMessage message)
    {
        lock (_gate)
        {
            _isObserver = true;
            if (message.IsWarning) WriteLine($"warning: {message.Text}");
            else if (_width is null) WriteLine(message.Text);
        }
    }

    void IRunObserver.OnEnd()
    {
        lock (_gate)
        {
            EndLine();
            (_isObserver, _lines) = (false, new(_output.WriteLine));
        }
    }

    private string Bar(TrainingProgress p)
    {
        double share = p.Step / (double)p.TotalSteps;
        int done = (int)(share * BarWidth);
        string text = string.Create(CultureInfo.InvariantCulture,
            $"epoch {p.Epoch}/{p.Epochs}  loss {p.Loss:0.000}  {p.RowsPerSecond:0} {_rows}/s  ");
        if (ProgressLines.Wait(p) is { } wait) text += wait + "  ";
        text += $"{ProgressLines.Duration(p.Remaining)} left  ";
        return string.Create(CultureInfo.InvariantCulture,
            $"{text}{new string('━', done)}{new string('·', BarWidth - done)} {share,4:0%}");
    }

    private void WriteLine(string text)
    {
        if (_isDrawn) Draw("");
        _output.WriteLine(_isDrawn ? "\r" + text : text);
        _isDrawn = false;
    }

    /// <summary>Overwrites the line that the cursor stands in.</summary>
    private void Draw(string text)
    {
        // In the last column a terminal would begin another line.
        int width = Math.Max(1, _width!() - 1);
        _output.Write("\r" + (text.Length > width ? text[..width] : text.PadRight(width)));
        _output.Flush();
        _isDrawn = true;
    }

    private void EndLine()
    {
        if (_isDrawn) _output.WriteLine();
        _isDrawn = false;
    }
}
