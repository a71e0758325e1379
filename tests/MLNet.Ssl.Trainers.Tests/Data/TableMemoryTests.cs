using TorchSharp;

namespace MLNet.Ssl.Tests;

[Collection(nameof(Alone))]
public class TableMemoryTests
{
    [Fact]
    public void GatheredRowsAreNotHeldTwiceWhenTheyBecomeATable()
    {
        // Five blocks of 40 MiB, beyond what the C library keeps of freed memory. Measured from before they are
        // gathered: where earlier tests left free memory of that size, they lie there and do not go back.
        const int Columns = 64, Block = 10 << 20, Rows = 5 * Block / Columns;
        long before = PeakMemory.Reset();
        using var builder = new TableStoreBuilder(Columns, Block);
        var row = new float[Columns];
        for (int i = 0; i < Rows; i++)
        {
            Array.Fill(row, i);
            builder.Add(row);
        }
        using var table = builder.Build();
        long grown = PeakMemory.Read() - before;
        Assert.Equal((Rows, (float)(Rows - 1)), (table.Count, table.Values[Rows - 1, 0].ToSingle()));
        Assert.True(grown < 300L << 20, $"{grown} bytes");
    }
}
