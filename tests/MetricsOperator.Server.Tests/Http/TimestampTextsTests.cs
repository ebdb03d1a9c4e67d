using System.Text;
using MetricsOperator.Server.Http;

namespace MetricsOperator.Server.Tests.Http;

public sealed class TimestampTextsTests
{
    [Fact]
    public void Times_are_the_same_text_whether_lists_are_shared_or_not()
    {
        long[] shared = [-1, 0, 1500, 1435781451000, long.MaxValue];
        long[] other = [7, 1435781451001];
        var texts = new TimestampTexts();
        foreach (var times in (long[][])[shared, shared, shared, other, other, shared, [], [], other])
        {
            texts.Next(times);
            for (var i = 0; i < times.Length; i++)
            {
                Assert.Equal(Expected(times[i]), Text(into => texts.Write(into, i)));
            }
        }

        static string Expected(long time) => Text(into => NumberText.WriteTimestamp(into, time));
    }

    private static string Text(Func<byte[], int> write)
    {
        var bytes = new byte[NumberText.MaxLength];
        return Encoding.ASCII.GetString(bytes, 0, write(bytes));
    }
}
