namespace Microsoft.ML.Trainers;

/// <summary>The smooth part of an objective: returns its value at a point and writes its gradient.</summary>
internal delegate double SmoothFunction(double[] point, double[] gradient);

/// <summary>
/// Minimises smooth(x) + L1·|x| by orthant-wise limited-memory quasi-Newton steps (Andrew and Gao, ICML 2007); without L1 and bounds this is plain L-BFGS.
/// L1 and the bound x ≥ 0 concern the first <c>penalized</c> coordinates. Stops when the mean decrease of the last five steps is at most
/// tolerance · max(1, |value|).
/// </summary>
internal sealed class LbfgsMinimizer(int penalized, double l1, bool nonNegative, double tolerance, int historySize, int maximumIterations)
{
    private const int ImprovementWindow = 5;
    private const int MaximumHalvings = 40;
    private const double SufficientDecrease = 1e-4;

    private readonly int _constrained = l1 > 0 || nonNegative ? penalized : 0;

    /// <summary>Moves <paramref name="x"/> from the start to the minimum.</summary>
    public void Minimize(SmoothFunction smooth, double[] x)
    {
        int n = x.Length;
        double[] gradient = new double[n], nextGradient = new double[n], next = new double[n], steepest = new double[n], direction = new double[n];
        var history = new List<Step>(historySize);
        var values = new Queue<double>();

        if (nonNegative)
            for (int i = 0; i < penalized; i++) x[i] = Math.Max(0, x[i]);
        double value = smooth(x, gradient) + Penalty(x);
        for (int iteration = 0; iteration < maximumIterations; iteration++)
        {
            SteepestDescent(x, gradient, steepest);
            double norm = Math.Sqrt(Dot(steepest, steepest));
            if (norm == 0) return;
            QuasiNewton(history, steepest, direction);

            double scale = history.Count == 0 ? 1 / norm : 1, nextValue = double.NaN;
            bool decreased = false;
            for (int halving = 0; halving < MaximumHalvings && !decreased; halving++, scale /= 2)
            {
                double promised = Move(x, steepest, direction, scale, next);
                if (!(promised > 0)) break;
                nextValue = smooth(next, nextGradient) + Penalty(next);
                decreased = nextValue <= value - SufficientDecrease * promised;
            }
            if (!decreased)
            {
                // No progress along the negative gradient either: rounding is all that is left.
                if (history.Count == 0) return;
                history.Clear();
                continue;
            }

            Remember(history, x, gradient, next, nextGradient);
            next.CopyTo(x, 0);
            (gradient, nextGradient) = (nextGradient, gradient);
            values.Enqueue(value);
            value = nextValue;
            if (values.Count < ImprovementWindow) continue;
            if ((values.Dequeue() - value) / ImprovementWindow <= tolerance * Math.Max(1, Math.Abs(value))) return;
        }
    }

    private double Penalty(double[] x)
    {
        double sum = 0;
        if (l1 > 0)
            for (int i = 0; i < penalized; i++) sum += Math.Abs(x[i]);
        return l1 * sum;
    }

    /// <summary>The negative (pseudo-)gradient of the whole objective; a coordinate that is best left at zero gets 0.</summary>
    private void SteepestDescent(double[] x, double[] gradient, double[] steepest)
    {
        for (int i = 0; i < steepest.Length; i++)
        {
            double g = gradient[i];
            steepest[i] = i >= _constrained ? -g
                : x[i] > 0 ? -(g + l1)
                : x[i] < 0 ? -(g - l1)
                : g + l1 < 0 ? -(g + l1)
                : g - l1 > 0 && !nonNegative ? -(g - l1)
                : 0;
        }
    }

    /// <summary>The two-loop recursion applied to the descent direction, kept inside its orthant.</summary>
    private void QuasiNewton(List<Step> history, double[] steepest, double[] direction)
    {
        steepest.CopyTo(direction, 0);
        if (history.Count == 0) return;
        var alpha = new double[history.Count];
        for (int k = history.Count - 1; k >= 0; k--)
        {
            alpha[k] = Dot(history[k].Moved, direction) / history[k].Curvature;
            AddScaled(direction, -alpha[k], history[k].GradientChange);
        }
        var last = history[^1];
        double gamma = last.Curvature / Dot(last.GradientChange, last.GradientChange);
        for (int i = 0; i < direction.Length; i++) direction[i] *= gamma;
        for (int k = 0; k < history.Count; k++)
            AddScaled(direction, alpha[k] - Dot(history[k].GradientChange, direction) / history[k].Curvature, history[k].Moved);
        for (int i = 0; i < _constrained; i++)
            if (direction[i] * steepest[i] <= 0) direction[i] = 0;
    }

    /// <summary>Steps without leaving the orthant; returns the decrease that the linear model promises.</summary>
    private double Move(double[] x, double[] steepest, double[] direction, double scale, double[] next)
    {
        double promised = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double moved = x[i] + scale * direction[i];
            if (i < _constrained && moved * (x[i] != 0 ? x[i] : steepest[i]) <= 0) moved = 0;
            next[i] = moved;
            promised += steepest[i] * (moved - x[i]);
        }
        return promised;
    }

    private void Remember(List<Step> history, double[] x, double[] gradient, double[] next, double[] nextGradient)
    {
        if (historySize == 0) return;
        Step step;
        if (history.Count == historySize)
        {
            step = history[0];
            history.RemoveAt(0);
        }
        else
        {
            step = new(x.Length);
        }
        for (int i = 0; i < x.Length; i++)
        {
            step.Moved[i] = next[i] - x[i];
            step.GradientChange[i] = nextGradient[i] - gradient[i];
        }
        step.Curvature = Dot(step.Moved, step.GradientChange);
        if (step.Curvature > 1e-14 * Dot(step.Moved, step.Moved)) history.Add(step);
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static void AddScaled(double[] target, double factor, double[] source)
    {
        for (int i = 0; i < target.Length; i++) target[i] += factor * source[i];
    }

    private sealed class Step(int length)
    {
        public readonly double[] Moved = new double[length];
        public readonly double[] GradientChange = new double[length];
        public double Curvature;
    }
}
