namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Collects the damages of one file; the first few are named, the rest counted, so that a ruined file does not fill the memory.</summary>
internal sealed class DamageList(string file)
{
    private const int MaxNamed = 1000;

    private readonly List<Damage> _damages = [];
    private long _more;
    private long _firstMore;

    public string File => file;

    public bool IsEmpty => _damages.Count == 0;

    public void Add(long offset, string what, string affects, string consequence)
    {
        if (_damages.Count < MaxNamed)
        {
            _damages.Add(new Damage(file, offset, what, affects, consequence));
        }
        else if (_more++ == 0)
        {
            _firstMore = offset;
        }
    }

    public FileReport Report(long bytes, string content)
    {
        if (_more > 0)
        {
            _damages.Add(new Damage(file, _firstMore, $"{_more} more damaged places from here on", "see above", "see above"));
        }

        return new FileReport(file, bytes, content, _damages);
    }
}
