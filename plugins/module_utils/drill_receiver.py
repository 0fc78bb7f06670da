# Copyright (c) 2026 argolab.observability contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill's own webhook: a program of a few lines that any image with C(perl) runs, Debian's and Argo CD's included.

POST /notify/TOKEN keeps the body in memory, GET /received gives everything kept as a JSON list, any other GET says ok.
What it keeps is bounded, and it never runs anything that it is sent.
"""

from __future__ import annotations

PORT = 8080

# perl-base, which every Debian and Ubuntu image has, holds IO::Socket but no HTTP server and no JSON.
PROGRAM = r"""
use strict; use warnings; use IO::Socket::INET;
$SIG{TERM} = $SIG{INT} = sub { exit 0 }; $SIG{PIPE} = 'IGNORE';
my ($port, $token) = @ARGV; my @kept;
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 16, ReuseAddr => 1) or die "port $port: $!";
while (1) {
  my $peer = $server->accept() or next;
  my ($status, $body) = ('400 Bad Request', '');
  eval {
    local $SIG{ALRM} = sub { die "late\n" }; alarm 5;
    my $line = <$peer> // ''; my $size = 0;
    while (my $field = <$peer>) {
      last if $field =~ /^\r?\n$/; $size = $1 if $field =~ /^content-length:\s*(\d+)/i;
    }
    if ($line =~ m{^POST /notify/\Q$token\E } && $size && $size <= 1048576 && @kept < 50) {
      my $sent = '';
      while (length $sent < $size) { read($peer, $sent, $size - length $sent, length $sent) or last; }
      if ($sent =~ /^\s*\{/) { push @kept, $sent; ($status, $body) = ('200 OK', 'kept'); }
    } elsif ($line =~ m{^GET /received }) {
      ($status, $body) = ('200 OK', '[' . join(',', @kept) . ']');
    } elsif ($line =~ m{^GET }) {
      ($status, $body) = ('200 OK', 'ok');
    } elsif ($line =~ m{^POST }) {
      $status = '404 Not Found';
    }
    print $peer "HTTP/1.1 $status\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
      . length($body) . "\r\n\r\n$body";
    alarm 0;
  };
  alarm 0; close $peer;
}
"""
