// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.LogicalType;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ColumnReaders;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.ColumnSchema;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** A Parquet file, one of whose columns of strings holds the documents. A row without a value there has no document. */
final class Parquet implements DocumentReader {
    /** Rows that are decoded at once. */
    private static final int ROWS = 256;

    private final Columns columns;

    Parquet(Columns columns) {
        this.columns = columns;
    }

    /**
     * Checks that a file has the columns; returns its number of rows.
     *
     * @throws UserError if it has not, or is damaged
     */
    long rows(SourceFile file) throws IOException {
        return use(file, (path, parquet) -> {
            List<ColumnSchema> all = parquet.getFileSchema().getColumns();
            columns.names().forEach(name -> check(path, name, all));
            return parquet.getFileMetaData().numRows();
        });
    }

    private void check(Path file, String name, List<ColumnSchema> all) {
        ColumnSchema column = all.stream().filter(c -> c.fieldPath().toString().equals(name)).findFirst().orElse(null);
        if (column == null) {
            boolean nested = all.stream().anyMatch(c -> c.fieldPath().toString().startsWith(name + '.'));
            throw new UserError(nested ? file + ": the column \"" + name
                    + "\" has columns or lists inside, and is no string. Name a column of strings."
                    : Tables.missing(file.toString(), all.stream().map(c -> c.fieldPath().toString()).toList(),
                            columns));
        }
        if (column.maxRepetitionLevel() > 0) {
            throw new UserError(file + ": the column \"" + name + "\" holds lists. Name a column of strings.");
        }
        boolean string = column.logicalType() == null || column.logicalType() instanceof LogicalType.StringType
                || column.logicalType() instanceof LogicalType.EnumType;
        if (column.type() != PhysicalType.BYTE_ARRAY || !string) {
            throw new UserError(file + ": the column \"" + name + "\" holds "
                    + (column.logicalType() == null ? column.type() : column.logicalType())
                    + ", not strings. Name a column of strings.");
        }
    }

    @Override
    public void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException {
        rows(file.file());
        use(file.file(), (path, parquet) -> {
            long size = Files.size(path);
            long rows = Math.max(1, parquet.getFileMetaData().numRows());
            ParquetPages.check(path, parquet.getFileMetaData(), columns.names()::contains, true);
            ColumnProjection wanted = ColumnProjection.columns(columns.names().toArray(String[]::new));
            try (ColumnReaders readers = parquet.buildColumnReaders(wanted).batchSize(ROWS).build()) {
                ColumnReader text = readers.getColumnReader(columns.text());
                ColumnReader domain = columns.domain() == null ? null : readers.getColumnReader(columns.domain());
                long row = 0;
                while (readers.nextBatch()) {
                    int n = readers.getRecordCount();
                    long end = row + n;
                    sink.accept(new Rows(file.place(), row, Values.of(text, n), domain == null ? null
                            : Values.of(domain, n), (long) ((double) size * end / rows)));
                    row = end;
                }
                return row;
            }
        });
    }

    @FunctionalInterface
    private interface UseAt {
        long apply(Path path, ParquetFileReader parquet) throws IOException;
    }

    /** Messages name the file by its place, wherever its bytes are read. */
    private static long use(SourceFile file, UseAt use) throws IOException {
        Path path = file.bytes().local();
        try {
            return with(path, parquet -> use.apply(path, parquet));
        } catch (UserError e) {
            throw path.toString().equals(file.place()) ? e
                    : new UserError(e.getMessage().replace(path.toString(), file.place()), e);
        }
    }

    @FunctionalInterface
    interface Use {
        long apply(ParquetFileReader parquet) throws IOException;
    }

    /** Opens a file; whatever the library throws at a damaged one says so. */
    static long with(Path file, Use use) {
        try {
            ParquetPages.checkFooter(file);
            try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file))) {
                return use.apply(parquet);
            }
        } catch (UserError e) {
            throw e;
        } catch (OutOfMemoryError e) {
            throw new UserError(
                    file + " needs more memory than the program has. Give it more, or write the file with smaller "
                            + "row groups and pages; it may also be damaged.",
                    e);
        } catch (IOException | RuntimeException | LinkageError e) {
            Throwable cause = e instanceof UncheckedIOException u ? u.getCause() : e;
            throw new UserError(file + " is no Parquet file that can be read, or is damaged: " + cause.getMessage(), e);
        }
    }

    /** Values of a column: of row i the bytes from {@code offsets[i]} to {@code offsets[i + 1]}. */
    private record Values(byte[] bytes, int[] offsets, boolean[] missing) {
        static Values of(ColumnReader column, int n) {
            boolean[] missing = new boolean[n];
            for (int i = 0; i < n; i++) {
                missing[i] = column.getLeafValidity().isNull(i);
            }
            int[] offsets = Arrays.copyOf(column.getBinaryOffsets(), n + 1);
            return new Values(Arrays.copyOfRange(column.getBinaryValues(), offsets[0], offsets[n]), offsets, missing);
        }

        int length(int i) {
            return missing[i] ? 0 : offsets[i + 1] - offsets[i];
        }

        /** The value of row i; null if it has none. */
        String get(int i, CharsetDecoder decoder) throws CharacterCodingException {
            return missing[i] ? null
                    : decoder.decode(ByteBuffer.wrap(bytes, offsets[i] - offsets[0], length(i))).toString();
        }
    }

    /** Some rows, of which the first has that number. */
    private record Rows(String place, long first, Values texts, Values domains, long position) implements Batch {
        @Override
        public List<Piece> pieces() {
            CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
            List<Piece> pieces = new ArrayList<>();
            for (int i = 0; i < texts.missing.length; i++) {
                if (texts.length(i) > MAX_RECORD) {
                    throw new UserError(place + ", row " + (first + i) + ": is longer than " + MAX_WORDS + '.');
                }
                try {
                    String text = texts.get(i, decoder);
                    String domain = domains == null ? null : domains.get(i, decoder);
                    if (text != null && domains != null && domain == null) {
                        throw new UserError(place + ", row " + (first + i) + ": has a text, but no domain.");
                    }
                    pieces.add(new Piece(text == null ? "" : text, true, domain));
                } catch (CharacterCodingException e) {
                    throw new UserError(place + ", row " + (first + i) + ": is not UTF-8. " + Encodings.ADVICE, e);
                }
            }
            return pieces;
        }
    }
}
