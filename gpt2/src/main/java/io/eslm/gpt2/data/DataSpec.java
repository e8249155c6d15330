// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.source.Columns;
import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.gpt2.option.OptionGroup;
import io.eslm.gpt2.option.OptionValues;
import io.eslm.tensor.UserError;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a user names as data: one source, or several with a name each, one a line. A source is written
 * {@code [NAME=]WHERE[:SETTINGS]}, for example {@code web=pages/*.parquet:0.7,text-field=content}. WHERE is a file, a folder, a
 * pattern of files, or an address; SETTINGS are a weight, or {@code key=value} pairs of {@link #SETTINGS}, with commas between.
 */
public record DataSpec(List<Source> sources) {
    private static final OptionGroup.Builder ALL = new OptionGroup.Builder();

    public static final Option<String> TEXT_FIELD = ALL.add(Option.text("text field", "NAME",
            "field or column that holds the documents of JSON, tables and Parquet").defaultsTo("text"));
    public static final Option<String> DOMAIN_FIELD = ALL.add(Option.text("domain field", "NAME",
            "field or column that names the domain of a document").defaultsTo("none", _ -> null));
    public static final Option<Format> FORMAT = ALL.add(Option.choice("format", "FORMAT",
            "what the files are, where their content and names leave it in doubt", Format.values())
            .defaultsTo("by content and name", _ -> null));
    public static final Option<Boolean> DEDUPLICATE = ALL.add(Option.flag("deduplicate",
            "leave out a document whose text was there before; needs some 20 bytes of memory for each document"));
    public static final Option<Long> SHORTEST =
            ALL.add(Option.seed("shortest", "leave out documents of fewer characters")
                    .must("be at least 0", n -> n >= 0).defaultsTo(0L));
    public static final Option<Long> LONGEST =
            ALL.add(Option.seed("longest", "leave out documents of more characters")
                    .must("be at least 1", n -> n >= 1).defaultsTo("no limit", _ -> null));
    public static final Option<Double> HELD_OUT = ALL.add(Option.number("held out", "SHARE",
            "share of the tokens to hold out for evaluation")
            .must("be from 0 to 0.5", share -> share >= 0 && share <= 0.5).defaultsTo("0.1; jdk: 0.03", _ -> null));
    private static final Option<Double> WEIGHT = ALL.add(Option.number("weight", "W",
            "share of the windows to train on that come from this source, relative to the other weights")
            .must("be above 0", weight -> weight > 0).defaultsTo("by its size", _ -> null));

    /** How to read a source. */
    public static final OptionGroup SETTINGS = ALL.build("Data");

    private static final Pattern TAIL = Pattern.compile(
            ":((?:[0-9.]+|[a-z][a-z-]*=[^,]*)(?:,(?:[0-9.]+|[a-z][a-z-]*=[^,]*))*)$");
    private static final Pattern NAMED = Pattern.compile("([\\p{L}\\p{N}_.-]+)=(.+)", Pattern.DOTALL);

    /**
     * One source.
     *
     * @param name of its domain; "" if it has none
     * @param location a path, a pattern, an address, or a word such as {@value DataSource#JDK}
     */
    public record Source(String name, String location, OptionValues settings) {
        /** The fields of a record to read. */
        public Columns columns() {
            return new Columns(settings.get(TEXT_FIELD), settings.find(DOMAIN_FIELD).orElse(null));
        }

        /** Whether its documents are needed whole, to be compared or measured. */
        public boolean whole() {
            return settings.get(DEDUPLICATE) || settings.get(SHORTEST) > 0 || settings.find(LONGEST).isPresent();
        }

        boolean keeps(String document) {
            long chars = document.codePointCount(0, document.length());
            return chars >= settings.get(SHORTEST)
                    && settings.find(LONGEST).map(most -> chars <= most).orElse(true);
        }

        /** The same somewhere else. */
        public Source at(String place) {
            return new Source(name, place, settings);
        }

        /** As a user writes it. */
        public String text() {
            String more = SETTINGS.options().stream().filter(settings::isSet)
                    .map(option -> option.key() + '=' + settings.find(option).orElseThrow())
                    .collect(Collectors.joining(","));
            return (name.isEmpty() ? "" : name + '=') + location + (more.isEmpty() ? "" : ':' + more);
        }

        Optional<Double> weight() {
            return settings.find(WEIGHT);
        }

        public boolean isAddress() {
            return location.matches("(?s)https?://.+");
        }

        /** Whether it is a pattern of files: no file has that name, and there is a sign that only patterns have. */
        public boolean isPattern() {
            return !isAddress() && location.matches("(?s).*[*?\\[{].*") && !exists(location);
        }

        /** Equal for equal settings that choose documents or their parts. */
        String identity() {
            return name + ' ' + SETTINGS.options().stream().filter(settings::isSet)
                    .map(option -> option.key() + '=' + settings.find(option).orElseThrow())
                    .collect(Collectors.joining(",")) + '\n';
        }
    }

    public DataSpec {
        sources = List.copyOf(sources);
    }

    /**
     * Reads what a user wrote. A file or folder that exists under the whole text is that file.
     *
     * @throws UserError if a setting is unknown or not allowed, or several sources are not told apart
     */
    public static DataSpec parse(String text) {
        List<Source> sources = new ArrayList<>();
        Set<String> names = new HashSet<>();
        List<String> lines = exists(text) ? List.of(text) : text.lines().toList();
        for (String line : lines.size() > 1 ? lines : List.of(text)) {
            Source source = source(line, lines.size() > 1);
            if (lines.size() > 1 && source.name.isEmpty()) {
                throw new UserError("data " + line + ": has no name. Of several sources each needs one: NAME=PATH");
            }
            if (!names.add(source.name)) {
                throw new UserError("data: two sources have the name " + source.name + ". Give each its own.");
            }
            sources.add(source);
        }
        long weighted = sources.stream().filter(source -> source.weight().isPresent()).count();
        if (weighted > 0 && weighted < sources.size()) {
            throw new UserError("data: some sources have a weight, and some have none. Give each one, or none.");
        }
        return new DataSpec(sources);
    }

    /**
     * Adds settings of the command to those of each source, which come first.
     *
     * @param settings as text, by option
     * @return as text, to be parsed again
     */
    public static String with(String text, Map<Option<?>, String> settings) {
        if (settings.isEmpty()) {
            return text;
        }
        List<String> lines = text.lines().toList();
        return lines.stream().map(line -> {
            Source source = source(line, lines.size() > 1);
            OptionValues own = OptionValues.defaults(SETTINGS);
            for (Map.Entry<Option<?>, String> e : settings.entrySet()) {
                own = own.withText(e.getKey(), e.getValue());
            }
            return new Source(source.name, source.location, own.with(source.settings)).text();
        }).collect(Collectors.joining("\n"));
    }

    /** The same for a process that works in another folder: {@code text} with files and folders named from the root. */
    public static String rooted(String text) {
        return new DataSpec(parse(text).sources.stream()
                .map(source -> source.isAddress() || source.location.equals(DataSource.JDK)
                        || source.location.equals(DataSource.STDIN) ? source
                                : source.at(Path.of(source.location).toAbsolutePath().toString()))
                .toList()).text();
    }

    /** To be parsed again. */
    String text() {
        return sources.stream().map(Source::text).collect(Collectors.joining("\n"));
    }

    /**
     * What a user means who names one source after the other: both if each has a name, otherwise the second in the place of the
     * first. A name that comes again is replaced.
     *
     * @param before may be null
     */
    public static String joined(String before, String now) {
        if (before == null || !isNamed(before) || !isNamed(now)) {
            return now;
        }
        String name = source(now, false).name;
        return Stream.concat(before.lines().filter(line -> !source(line, false).name.equals(name)), Stream.of(now))
                .collect(Collectors.joining("\n"));
    }

    private static boolean isNamed(String text) {
        return text.lines().allMatch(line -> !source(line, false).name.isEmpty());
    }

    /** A short name for all of it, such as {@code web+code} or, of a file without a name, {@code book}. */
    public String label() {
        return sources.stream().map(source -> source.name.isEmpty() ? stem(source) : source.name)
                .collect(Collectors.joining("+"));
    }

    private static String stem(Source source) {
        String last = source.isAddress() ? fileName(URI.create(source.location))
                : Objects.toString(Path.of(source.location).toAbsolutePath().normalize().getFileName(), "data");
        return last.replaceFirst("\\.[a-z]+$", "");
    }

    /** The options of a command that prepares text, for all of its sources. */
    public static List<Option<?>> options() {
        return SETTINGS.options().stream().filter(option -> option != WEIGHT).toList();
    }

    private static Source source(String text, boolean several) {
        OptionValues settings = OptionValues.defaults(SETTINGS);
        if (exists(text) && !several) {
            return new Source("", text, settings);
        }
        String location = text;
        Matcher tail = TAIL.matcher(text);
        if (tail.find() && !exists(text) && !isHost(text.substring(0, tail.start()))) {
            location = text.substring(0, tail.start());
            for (String pair : tail.group(1).split(",(?=[a-z0-9.-]+=|[0-9.]+$)")) {
                settings = set(settings, pair, text);
            }
        }
        Matcher named = NAMED.matcher(location);
        return named.matches() && !exists(location) ? new Source(named.group(1), named.group(2), settings)
                : new Source("", location, settings);
    }

    /** Whether a number after it is a port. */
    private static boolean isHost(String text) {
        return text.matches("(?s)(.+=)?https?://[^/]*");
    }

    private static OptionValues set(OptionValues settings, String pair, String text) {
        int equals = pair.indexOf('=');
        if (equals < 0) {
            return settings.withText(WEIGHT, pair);
        }
        String key = pair.substring(0, equals);
        Option<?> option = SETTINGS.find(key).orElseThrow(() -> new UserError("data " + text + ": there is no setting "
                + key + ". There are " + SETTINGS.options().stream().map(Option::key)
                        .collect(Collectors.joining(", "))
                + '.'));
        try {
            return settings.withText(option, pair.substring(equals + 1));
        } catch (OptionError e) {
            throw new UserError("data " + text + ": " + e.getMessage(), e);
        }
    }

    /** The path of a location, or empty if it is none. */
    private static boolean exists(String location) {
        try {
            return !location.isEmpty() && Files.exists(Path.of(location));
        } catch (InvalidPathException _) {
            return false;
        }
    }

    /** The last part of the path of an address, which names its copy. */
    static String fileName(URI address) {
        String path = address.getPath() == null ? "" : address.getPath();
        String last = path.substring(path.lastIndexOf('/') + 1);
        return last.isEmpty() ? address.getHost() : last;
    }
}
