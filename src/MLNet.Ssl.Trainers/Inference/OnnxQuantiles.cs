using MLNet.Ssl.Data;
using MLNet.Ssl.Onnx;

namespace MLNet.Ssl.Inference;

/// <summary><see cref="NormalQuantiles"/> as ONNX operators.</summary>
internal static class OnnxQuantiles
{
    private const long Float = 1, Int64 = 7, Double = 11;

    // Acklam's rational approximation of the normal deviate of a share, good to 1e-9 in double precision.
    private const double CentreFrom = 0.02425;

    private static readonly double[] CentreOver =
        [-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
            -3.066479806614716e+01, 2.506628277459239e+00];

    private static readonly double[] CentreUnder =
        [-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
            -1.328068155288572e+01, 1];

    private static readonly double[] TailOver =
        [-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
            4.374664141464968e+00, 2.938163982698783e+00];

    private static readonly double[] TailUnder =
        [7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1];

    /// <summary>The prepared row (N, columns) with the slots of the row x taken to the normal distribution.</summary>
    public static string Replace(OnnxGraph graph, string x, string prepared, int columns, NormalQuantiles quantiles)
    {
        string deviates = Deviates(graph, graph.Gather(x, 1, quantiles.Slots), quantiles);
        long[] order = [.. Enumerable.Range(0, columns).Select(slot => (long)slot)];
        for (int i = 0; i < quantiles.Slots.Length; i++) order[quantiles.Slots[i]] = columns + i;
        return graph.Gather(graph.Concat(1, prepared, deviates), 1, order);
    }

    private static string Deviates(OnnxGraph graph, string x, NormalQuantiles quantiles)
    {
        int slots = quantiles.Slots.Length, last = quantiles.Count - 1;
        int halves = 1 + (int)Math.Log2(quantiles.Count), width = (1 << halves) - 1;
        var values = new float[slots * width];
        Array.Fill(values, float.PositiveInfinity);
        for (int i = 0; i < slots; i++) quantiles[i].CopyTo(values.AsSpan(i * width));
        string all = graph.Constant(values, values.Length);
        string Numbers(float value) => graph.Constant(value);
        string Places(long shift) =>
            graph.Constant([.. Enumerable.Range(0, slots).Select(i => (long)i * width + shift)], 1, slots);
        string ToFloat(string integers) => graph.Node("Cast", [integers], ("to", Float));

        // How many quantiles are less, or not greater: by halves, for comparing with all of them at once takes the
        // memory of rows × slots × quantiles.
        string CountOf(string comparison)
        {
            string? found = null;
            for (long half = 1L << (halves - 1); half > 0; half /= 2)
            {
                string at = found is null ? Places(half - 1) : graph.Add(found, Places(half - 1));
                string holds = graph.Node("Cast", [graph.Node(comparison, [graph.Gather(all, at), x])], ("to", Int64));
                string passed = graph.Mul(holds, graph.Integers(half));
                found = found is null ? passed : graph.Add(found, passed);
            }
            return found!;
        }

        string below = CountOf("Less"), upTo = CountOf("LessOrEqual");
        string before = graph.Node("Clip",
            [graph.Sub(upTo, graph.Integers(1)), graph.Constant([0L]), graph.Constant([last - 1L])]);
        string start = graph.Gather(all, graph.Add(before, Places(0)));
        string end = graph.Gather(all, graph.Add(before, Places(1)));
        string step = graph.Sub(end, start), whole = ToFloat(before);
        // The steps from either end: from the nearer one they are exact in single precision.
        string rise = graph.Add(whole, graph.Div(graph.Sub(x, start), step));
        string fall = graph.Add(graph.Sub(Numbers(last - 1), whole), graph.Div(graph.Sub(end, x), step));
        string between = graph.Node("Equal", [below, upTo]);
        string middle = graph.Div(ToFloat(graph.Sub(graph.Add(below, upTo), graph.Integers(1))), Numbers(2));
        rise = graph.Node("Where", [between, rise, middle]);
        fall = graph.Node("Where", [between, fall, graph.Sub(Numbers(last), middle)]);
        string share = graph.Div(graph.Node("Min", [rise, fall]), Numbers(last));
        string size = LowerDeviate(graph, graph.Node("Max", [share, Numbers((float)NormalQuantiles.LeastShare)]));
        return graph.Node("Where", [graph.Node("Less", [rise, fall]), size, graph.Neg(size)]);
    }

    /// <summary>The normal deviate of a share of at most a half.</summary>
    private static string LowerDeviate(OnnxGraph graph, string share)
    {
        share = graph.Node("Cast", [share], ("to", Double));
        string fromMiddle = graph.Sub(share, graph.DoubleConstant(0.5)), square = graph.Mul(fromMiddle, fromMiddle);
        string centre = graph.Div(
            graph.Mul(Polynomial(graph, square, CentreOver), fromMiddle), Polynomial(graph, square, CentreUnder));
        string depth = graph.Node("Sqrt", [graph.Mul(graph.Node("Log", [share]), graph.DoubleConstant(-2))]);
        string tail = graph.Div(Polynomial(graph, depth, TailOver), Polynomial(graph, depth, TailUnder));
        string isTail = graph.Node("Less", [share, graph.DoubleConstant(CentreFrom)]);
        return graph.Node("Cast", [graph.Node("Where", [isTail, tail, centre])], ("to", Float));
    }

    /// <summary>Coefficients from the highest power on.</summary>
    private static string Polynomial(OnnxGraph graph, string x, double[] coefficients)
    {
        string result = graph.DoubleConstant(coefficients[0]);
        foreach (double coefficient in coefficients[1..])
            result = graph.Add(graph.Mul(result, x), graph.DoubleConstant(coefficient));
        return result;
    }
}
