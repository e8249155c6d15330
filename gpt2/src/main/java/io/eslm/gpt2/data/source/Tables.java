// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/** A table as text (RFC 4180): the first line names the columns, and one of them holds the documents. */
final class Tables implements DocumentReader {
    /** What may stand between the fields of a .csv file. */
    static final String SEPARATORS = ",;\t|";

    private final char separator;
    private final Columns columns;

    Tables(char separator, Columns columns) {
        this.separator = separator;
        this.columns = columns;
    }

    /**
     * Finds out what separates the fields.
     *
     * @param head the first chars of the table
     * @param separators what may
     * @throws UserError if none, or more than one, gives the columns asked for
     */
    static Tables of(String file, String head, String separators, Columns columns) {
        List<Character> fitting = new ArrayList<>();
        List<String> names = List.of();
        for (char separator : separators.toCharArray()) {
            List<String> found = header(head, separator);
            if (found.containsAll(columns.names())) {
                fitting.add(separator);
            }
            names = found.size() > names.size() ? found : names;
        }
        if (fitting.size() == 1) {
            return new Tables(fitting.getFirst(), columns);
        }
        throw new UserError(fitting.isEmpty() ? missing(file, names, columns)
                : file + ": both '" + fitting.get(0) + "' and '" + fitting.get(1)
                        + "' could separate the columns of its first line. Use one of them alone there.");
    }

    /** What a file says that lacks a column. */
    static String missing(String file, List<String> names, Columns columns) {
        String lacking = columns.names().stream().filter(name -> !names.contains(name)).findFirst()
                .orElse(columns.text());
        return file + " has no column \"" + lacking + "\", but " + shown(names) + ". Name one of them as the "
                + (lacking.equals(columns.text()) ? "text" : "domain") + " field.";
    }

    private static String shown(List<String> names) {
        int most = 20;
        String all = String.join(", ", names.subList(0, Math.min(most, names.size())));
        return all.substring(0, Math.min(500, all.length())) + (names.size() > most ? ", …" : "");
    }

    private static List<String> header(String head, char separator) {
        try (CsvReader<CsvRecord> table = open(new StringReader(head), separator)) {
            Iterator<CsvRecord> records = table.iterator();
            return records.hasNext() ? records.next().getFields() : List.of();
        } catch (IOException | UncheckedIOException | CsvParseException _) {
            return List.of();
        }
    }

    private static CsvReader<CsvRecord> open(Reader in, char separator) {
        return CsvReader.builder().fieldSeparator(separator).maxBufferSize(Batch.MAX_RECORD)
                .build(CsvRecordHandler.of(limits -> limits.maxFieldSize(Batch.MAX_RECORD)
                        .maxRecordSize(Batch.MAX_RECORD)), in);
    }

    @Override
    public void read(SourceFile.Opened file, Consumer<Batch> sink) throws IOException {
        Collector batch = new Collector(file, sink);
        long line = 1;
        try (CsvReader<CsvRecord> table = open(new Utf8Reader(file.stream()), separator)) {
            Iterator<CsvRecord> records = table.iterator();
            List<String> names = records.hasNext() ? records.next().getFields() : List.of();
            int text = index(file.place(), names, columns.text());
            int domain = columns.domain() == null ? -1 : index(file.place(), names, columns.domain());
            while (records.hasNext()) {
                CsvRecord record = records.next();
                line = record.getStartingLineNumber();
                batch.add(new Piece(record.getField(text), true, domain < 0 ? null : record.getField(domain)));
            }
            batch.flush();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        } catch (CsvParseException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            if (cause instanceof IOException io) {
                throw io;
            }
            throw new UserError(file.place() + ", after line " + line + ": is no table with " + name(separator)
                    + " between the fields: " + cause.getMessage(), e);
        }
    }

    private int index(String file, List<String> names, String column) {
        int index = names.indexOf(column);
        if (index < 0) {
            throw new UserError(missing(file, names, columns));
        }
        if (index != names.lastIndexOf(column)) {
            throw new UserError(file + " has two columns \"" + column + "\". Rename one.");
        }
        return index;
    }

    private static String name(char separator) {
        return separator == '\t' ? "a tab" : "'" + separator + "'";
    }
}
