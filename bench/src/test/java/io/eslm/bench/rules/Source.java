// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * What the rules need to know of one source file, as the compiler's own parser sees it.
 *
 * @param path relative to the repository, with slashes
 * @param names every dotted name in the code and in its imports; comments and strings are not code
 * @param strings the values of all string literals
 */
record Source(String path, String text, Set<String> names, List<String> strings, List<Method> methods) {
    /** A method or constructor and its length from the first modifier to the closing brace. */
    record Method(String name, long lines) {}

    /** The part of the path before {@code /src/}: tensor, tensor/tornado, autograd, … */
    String module() {
        return path.substring(0, path.indexOf("/src/"));
    }

    boolean inMain() { return path.contains("/src/main/"); }

    long lineCount() { return text.lines().count(); }

    /** All sources of the modules that exist. */
    static List<Source> all(Path root) {
        var texts = new LinkedHashMap<String, String>();
        Rules.MODULES.stream().map(module -> root.resolve(module).resolve("src")).filter(Files::isDirectory)
                .flatMap(Source::javaFiles)
                .forEach(file -> texts.put(root.relativize(file).toString().replace('\\', '/'), read(file)));
        return parse(texts);
    }

    static Source parse(String path, String text) {
        return parse(Map.of(path, text)).getFirst();
    }

    /** By one compiler for all, since it takes longer to start than to read a file. */
    private static List<Source> parse(Map<String, String> texts) {
        var files = texts.keySet().stream().map(path -> file(path, texts.get(path))).toList();
        var task = (JavacTask) ToolProvider.getSystemJavaCompiler()
                .getTask(null, null, _ -> {}, List.of("-proc:none"), null, files);
        var sources = new ArrayList<Source>();
        try {
            for (var unit : task.parse()) {
                var path = unit.getSourceFile().toUri().getPath().substring(1);
                var source = new Source(path, texts.get(path), new TreeSet<>(), new ArrayList<>(), new ArrayList<>());
                new Scanner(unit, Trees.instance(task).getSourcePositions(), source).scan(unit, null);
                sources.add(source);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sources;
    }

    private static JavaFileObject file(String path, String text) {
        return new SimpleJavaFileObject(URI.create("string:///" + path), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) { return text; }
        };
    }

    private static Stream<Path> javaFiles(Path folder) {
        try (var files = Files.walk(folder)) {
            return files.filter(f -> f.toString().endsWith(".java")).sorted().toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Scanner extends TreePathScanner<Void, Void> {
        private static final Pattern DOTTED = Pattern.compile("[\\w.*]+");

        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final Source source;

        Scanner(CompilationUnitTree unit, SourcePositions positions, Source source) {
            this.unit = unit;
            this.positions = positions;
            this.source = source;
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree select, Void p) {
            var name = select.toString();
            if (DOTTED.matcher(name).matches()) {
                source.names.add(name);
                return null;
            }
            return super.visitMemberSelect(select, p);
        }

        @Override
        public Void visitLiteral(LiteralTree literal, Void p) {
            if (literal.getValue() instanceof String text) {
                source.strings.add(text);
            }
            return super.visitLiteral(literal, p);
        }

        @Override
        public Void visitMethod(MethodTree method, Void p) {
            long first = unit.getLineMap().getLineNumber(positions.getStartPosition(unit, method));
            long last = unit.getLineMap().getLineNumber(positions.getEndPosition(unit, method));
            var owner = (ClassTree) getCurrentPath().getParentPath().getLeaf();
            var name = method.getReturnType() == null ? owner.getSimpleName() : method.getName();
            source.methods.add(new Method(name.toString(), last - first + 1));
            return super.visitMethod(method, p);
        }
    }
}
