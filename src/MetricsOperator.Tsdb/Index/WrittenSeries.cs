using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>The series of an index that is being written, read back one after another.</summary>
/// <param name="file">The file as far as it is written.</param>
/// <param name="start">Offset behind the symbols.</param>
/// <param name="end">Offset behind the last series.</param>
internal sealed class WrittenSeries(MappedFile file, long start, long end)
{
    public Walk GetEnumerator() => new(file, start, end);

    /// <summary>Walks the series.</summary>
    public ref struct Walk(MappedFile file, long start, long end)
    {
        private long _next = start;

        /// <summary>What postings name the series by.</summary>
        public uint Reference { get; private set; }

        /// <summary>Reads the count of label pairs, and name and value of each.</summary>
        public ByteReader Labels { get; private set; }

        public bool MoveNext()
        {
            var position = (_next + IndexFormat.SeriesAlignment - 1) / IndexFormat.SeriesAlignment * IndexFormat.SeriesAlignment;
            if (position >= end)
            {
                return false;
            }

            Reference = (uint)(position / IndexFormat.SeriesAlignment);
            var span = file.Span(position, (int)Math.Min(int.MaxValue, end - position));
            var reader = new ByteReader(span);
            var length = (int)reader.Uvarint();
            Labels = new ByteReader(span.Slice(reader.Position, length));
            _next = position + reader.Position + length + 4;
            return true;
        }
    }
}
