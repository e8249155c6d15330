// SPDX-License-Identifier: Apache-2.0
package io.eslm.shell;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.ExpressionSnippet;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.Snippet.Status;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.VarSnippet;

/**
 * Runs shell code that is given as a whole: statements, expressions, declarations, one after the other, until one fails. What the code
 * prints goes to {@link System#out}.
 */
public final class Script implements AutoCloseable {
    /** What the compiler of the snippets is told. */
    public static final List<String> COMPILER_OPTIONS =
            List.of("--add-modules", "jdk.incubator.vector", "-Xlint:-incubating");

    private static final String EXIT = "/exit";
    /** A line that goes on with the one before, although that one could end there. */
    private static final Pattern CONTINUATION = Pattern.compile("\\s*(\\.[A-Za-z]|else\\b)");
    private static final Pattern COMMAND = Pattern.compile("/(?![/*])\\S*");

    /**
     * A snippet that has run.
     *
     * @param end where it ends in the code that was given to {@link #run}: the offset after its last character
     * @param name of the variable that has the value; null if there is none
     * @param value as the shell shows it; null if the snippet has none
     */
    public record Done(int end, String name, String value) {
    }

    private final JShell shell;
    private final SourceCodeAnalysis analysis;
    private String file;
    private String code;
    /** Line of the file before the first one of the code. */
    private int linesBefore;
    /** First offset in the code, of each snippet by its id; and the file and line of snippets of earlier code. */
    private final Map<String, String> places = new HashMap<>();
    private final Map<String, Integer> lines = new HashMap<>();

    /** A shell with everything imported. */
    public Script() {
        needJshell();
        shell = JShell.builder().executionEngine(new ShellEngine(), Map.of())
                .compilerOptions(COMPILER_OPTIONS.toArray(String[]::new)).build();
        analysis = shell.sourceCodeAnalysis();
        shell.addToClasspath(classPath());
        imports().lines().forEach(line -> begin("imports", line, 0).step(line, 0));
    }

    /** @throws UserError if this Java has no jshell */
    public static void needJshell() {
        if (ModuleLayer.boot().findModule("jdk.jshell").isEmpty()) {
            throw new UserError("this Java has no jshell: " + System.getProperty("java.home")
                    + " lacks its module jdk.jshell. Use a JDK 25 instead of a runtime alone");
        }
    }

    /** The class path of this JVM, and its module path, for the compiler. */
    public static String classPath() {
        return Stream.of("java.class.path", "jdk.module.path").map(System::getProperty)
                .filter(path -> path != null && !path.isEmpty())
                .collect(Collectors.joining(System.getProperty("path.separator")));
    }

    /** The import declarations that every shell begins with, one a line. */
    public static String imports() {
        return resource("imports.jsh");
    }

    /** Commands of the JDK's shell that define the mode of feedback {@value ShellEngine#NAME}. */
    public static String feedback() {
        return resource("feedback.jsh");
    }

    private static String resource(String name) {
        try (InputStream in = Script.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs {@code code}; what it declares stays for the next one. The command /exit ends it, other commands of the JDK's shell are
     * errors.
     *
     * @param file for messages
     * @param linesBefore lines of the file before the code, for messages
     * @param listener is told of each snippet that has run
     * @throws UserError at the first snippet that does not compile or throws, naming file and line
     */
    public void run(String file, String code, int linesBefore, Consumer<Done> listener) {
        begin(file, code, linesBefore);
        int from = 0;
        int end = 0;
        while (end < code.length()) {
            do {
                end = code.indexOf('\n', end) + 1;
                end = end == 0 ? code.length() : end;
            } while (CONTINUATION.matcher(code).region(end, code.length()).lookingAt());
            int rest = runComplete(from, end, listener);
            if (rest < 0) {
                break;
            }
            from = rest;
        }
        undeclared();
    }

    /** Runs the complete snippets in [from, end) and returns where the rest begins; −1 after /exit. */
    private int runComplete(int begin, int end, Consumer<Done> listener) {
        int from = begin;
        while (from < end) {
            String pending = code.substring(from, end);
            Matcher command = COMMAND.matcher(pending.stripLeading());
            if (command.lookingAt()) {
                if (command.group().equals(EXIT)) {
                    return -1;
                }
                throw fault(from, command.group()
                        + " is a command of the interactive shell; a script is Java, and " + EXIT + " ends it");
            }
            CompletionInfo next = analysis.analyzeCompletion(pending);
            boolean last = end == code.length();
            switch (next.completeness()) {
                case EMPTY -> from = end;
                case DEFINITELY_INCOMPLETE, CONSIDERED_INCOMPLETE -> {
                    if (last && next.completeness() == Completeness.DEFINITELY_INCOMPLETE) {
                        throw fault(from, "the code ends in the middle of this statement");
                    } else if (!last) {
                        return from;
                    }
                    done(pending, from, end, listener);
                    from = end;
                }
                default -> {
                    int to = end - next.remaining().length();
                    done(next.source(), from, to, listener);
                    from = to;
                }
            }
        }
        return from;
    }

    private void done(String source, int from, int to, Consumer<Done> listener) {
        Done done = step(source, from);
        listener.accept(new Done(to, done.name, done.value));
    }

    private Script begin(String inFile, String newCode, int before) {
        file = inFile;
        code = newCode;
        linesBefore = before;
        return this;
    }

    /** Runs one snippet, which begins at offset {@code from} of the code. */
    private Done step(String source, int from) {
        Done done = new Done(0, null, null);
        for (SnippetEvent event : shell.eval(source)) {
            Snippet snippet = event.snippet();
            places.putIfAbsent(snippet.id(), file);
            lines.putIfAbsent(snippet.id(), line(first(from)));
            if (event.exception() != null) {
                throw thrown(event.exception(), from);
            }
            if (event.status() == Status.REJECTED) {
                Diag diag = shell.diagnostics(snippet).filter(Diag::isError).findFirst().orElseThrow();
                throw fault(from + (int) Math.max(0, diag.getStartPosition()),
                        diag.getMessage(null).replaceAll("\\s*\n\\s*", ", "));
            }
            if (event.causeSnippet() == null && event.value() != null) {
                done = new Done(0, name(snippet), event.value());
            }
        }
        return done;
    }

    private static String name(Snippet snippet) {
        return switch (snippet) {
            case VarSnippet variable -> variable.name();
            case ExpressionSnippet expression -> expression.name();
            default -> null;
        };
    }

    /** A method or a variable that waits for a declaration which never came. */
    private void undeclared() {
        shell.snippets().filter(s -> shell.status(s) == Status.RECOVERABLE_DEFINED
                || shell.status(s) == Status.RECOVERABLE_NOT_DEFINED).findFirst().ifPresent(s -> {
                    String missing = shell.unresolvedDependencies((DeclarationSnippet) s)
                            .collect(Collectors.joining(", "));
                    throw new UserError(places.get(s.id()) + ":" + lines.get(s.id()) + ": cannot find " + missing);
                });
    }

    private UserError thrown(Throwable exception, int from) {
        String text = exception instanceof EvalException e ? text(e) : String.valueOf(exception.getMessage());
        List<String> trace =
                Stream.of(exception.getStackTrace()).map(this::place).filter(Objects::nonNull).distinct().toList();
        if (trace.isEmpty()) {
            return fault(from, text);
        }
        String callers =
                trace.size() == 1 ? "" : " (called from " + String.join(", ", trace.subList(1, trace.size())) + ")";
        return new UserError(trace.getFirst() + ": " + text + callers);
    }

    private static String text(EvalException e) {
        String type = e.getExceptionClassName();
        String message = e.getMessage() == null ? "" : e.getMessage();
        return type.equals(UserError.class.getName()) ? message
                : type.substring(type.lastIndexOf('.') + 1) + (message.isEmpty() ? "" : ": " + message);
    }

    /** The file and line of a call in a snippet, or null if it is elsewhere. */
    private String place(StackTraceElement element) {
        String name = element.getFileName();
        String id = name == null || !name.startsWith("#") ? "" : name.substring(1);
        return lines.containsKey(id) ? places.get(id) + ":" + (lines.get(id) + element.getLineNumber() - 1) : null;
    }

    private UserError fault(int offset, String what) {
        return new UserError(file + ":" + line(first(offset)) + ": " + what);
    }

    /** The line of the file that has this offset of the code. */
    private int line(int offset) {
        return linesBefore + 1
                + (int) code.substring(0, Math.min(offset, code.length())).chars().filter(c -> c == '\n').count();
    }

    /** The first offset from {@code from} on that is not white space. */
    private int first(int from) {
        int at = from;
        while (at < code.length() - 1 && Character.isWhitespace(code.charAt(at))) {
            at++;
        }
        return at;
    }

    @Override
    public void close() {
        shell.close();
    }
}
