using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Tests.Head;

public sealed class SeriesAdmissionTests
{
    private const long Cap = 100_000_000;

    [Fact]
    public void Everything_is_admitted_while_there_is_room()
    {
        var admission = new SeriesAdmission { CapBytes = Cap };
        Assert.All(Enumerable.Range(0, 10_000), i => Assert.True(admission.Admit(Session(i), Cap - 1)));
        Assert.Empty(admission.Refused());
    }

    [Fact]
    public void Nothing_is_admitted_at_the_cap_not_even_protected_metrics()
    {
        var admission = new SeriesAdmission { CapBytes = Cap, IsProtected = _ => true };
        Assert.False(admission.Admit(Session(1), Cap));
        Assert.Equal([new RefusedSeries("app", "budget", 1)], admission.Refused());
    }

    [Fact]
    public void Family_without_end_is_stopped_and_a_restarted_pod_gets_in()
    {
        var admission = Fair();
        var flood = Enumerable.Range(0, 50_000).Count(i => admission.Admit(Session(i), Cap / 2));
        Assert.InRange(flood, 50, 5000);
        var pod = Enumerable.Range(0, 200).Count(i => admission.Admit(Labels($"pod_metric_{i}", "web", "10.0.0.7:80"), Cap / 2));
        Assert.Equal(200, pod);
        var refused = Assert.Single(admission.Refused());
        Assert.Equal(("app", "fair-share", 50_000L - flood), (refused.Job, refused.Reason, refused.Count));
        Assert.Equal(new RefusedFamily("app", "a:1", "session_bytes_total", 50_000 - flood), Assert.Single(admission.RefusedFamilies(10)));
    }

    [Fact]
    public void Flood_of_names_of_one_target_is_stopped_by_its_share()
    {
        var admission = Fair();
        var admitted = Enumerable.Range(0, 50_000).Count(i => admission.Admit(Labels($"name_{i}", "app", "a:1"), Cap / 2));
        Assert.InRange(admitted, 200, 20_000);
        Assert.True(admission.Admit(Labels("up", "other", "b:1"), Cap / 2));
    }

    [Fact]
    public void Buckets_of_a_histogram_share_one_fate()
    {
        var admission = Fair();
        string[] bounds = ["0.1", "0.5", "1", "5", "+Inf"];
        for (var path = 0; path < 20_000; path++)
        {
            var fates = bounds.Select(le => admission.Admit(Labels("http_seconds_bucket", "app", "a:1", ("path", $"/{path}"), ("le", le)), Cap / 2))
                .Append(admission.Admit(Labels("http_seconds_sum", "app", "a:1", ("path", $"/{path}")), Cap / 2))
                .Append(admission.Admit(Labels("http_seconds_count", "app", "a:1", ("path", $"/{path}")), Cap / 2))
                .Distinct();
            Assert.Single(fates);
        }

        Assert.NotEmpty(admission.Refused());
    }

    [Fact]
    public void Only_protected_metrics_get_in_when_it_is_closed()
    {
        var admission = new SeriesAdmission { CapBytes = Cap, IsProtected = name => name.StartsWith("slo_", StringComparison.Ordinal) };
        admission.SetLevel(SeriesAdmissionLevel.Closed, Cap / 2, 1000);
        Assert.False(admission.Admit(Session(1), Cap / 2));
        Assert.True(admission.Admit(Labels("slo_errors_total", "app", "a:1"), Cap / 2));
        Assert.Equal(1, admission.AdmittedUnderPressure);
    }

    [Fact]
    public void Calm_forgets_the_judgements_of_the_episode()
    {
        var admission = Fair();
        Assert.Contains(Enumerable.Range(0, 50_000), i => !admission.Admit(Session(i), Cap / 2));
        admission.SetLevel(SeriesAdmissionLevel.Open, Cap / 2, 100_000);
        Assert.True(admission.Admit(Session(60_000), Cap / 2));
        Assert.Empty(admission.RefusedFamilies(10));
        admission.SetLevel(SeriesAdmissionLevel.Fair, Cap / 2, 100_000);
        Assert.True(admission.Admit(Session(60_001), Cap / 2));
    }

    [Fact]
    public void Observing_admits_and_counts()
    {
        var admission = new SeriesAdmission { CapBytes = Cap, IsObserving = true };
        Assert.True(admission.Admit(Session(1), Cap));
        Assert.Equal(1, Assert.Single(admission.Refused()).Count);
    }

    [Theory]
    [InlineData("http_seconds_bucket", "http_seconds")]
    [InlineData("http_seconds_count", "http_seconds")]
    [InlineData("http_seconds_sum", "http_seconds")]
    [InlineData("http_requests_total", "http_requests_total")]
    public void Family_is_the_name_without_what_histograms_append(string metric, string family) =>
        Assert.Equal(family, Encoding.UTF8.GetString(SeriesAdmission.FamilyOf(Encoding.UTF8.GetBytes(metric))));

    private static SeriesAdmission Fair()
    {
        var admission = new SeriesAdmission { CapBytes = Cap };
        admission.SetLevel(SeriesAdmissionLevel.Fair, Cap * 9 / 10, 200_000);
        return admission;
    }

    private static LabelSet Session(int i) => Labels("session_bytes_total", "app", "a:1", ("session", $"{i}"));

    private static LabelSet Labels(string name, string job, string instance, params (string, string)[] more) =>
        LabelSet.Of([("__name__", name), ("job", job), ("instance", instance), .. more]);
}
