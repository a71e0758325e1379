namespace MLNet.Ssl.Networks;

/// <summary>Fixed two-dimensional sine-cosine positions of MoCo v3 (Chen et al., arXiv 2104.02057).</summary>
internal static class SinCosPositions
{
    /// <summary>
    /// (1 + rows·columns) × width, row-major: zeros for the class token, then for a token at (r, c) with ω_k =
    /// 10000^(−k/(D/4)): [sin rω, cos rω, sin cω, cos cω].
    /// </summary>
    public static float[] Table(int rows, int columns, int width)
    {
        int quarter = width / 4;
        var table = new float[(1 + rows * columns) * width];
        for (int token = 0; token < rows * columns; token++)
            for (int k = 0; k < quarter; k++)
            {
                double omega = Math.Pow(10000, -k / (double)quarter), row = token / columns * omega,
                    column = token % columns * omega;
                int at = (1 + token) * width + k;
                (table[at], table[at + quarter]) = ((float)Math.Sin(row), (float)Math.Cos(row));
                (table[at + 2 * quarter], table[at + 3 * quarter]) = ((float)Math.Sin(column), (float)Math.Cos(column));
            }
        return table;
    }
}
