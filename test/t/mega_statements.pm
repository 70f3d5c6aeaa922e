# What the operations of mega_operations.pm are in SQL.
package mega_statements;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use POSIX ();

use mega_model;
use mega_operations ();

our @EXPORT = qw(sql_of copy_from);

my $files; # where files to copy from go
sub copy_from { ($files) = @_; return }

sub literal { return defined $_[0] ? mega_test::quoted("$_[0]") : 'NULL' }
sub argument { my ($name, $value) = @_; return defined $value ? ", $name => $value" : '' }

sub moment { my ($time) = @_; return defined $time ? sprintf "timestamptz 'epoch' + %d * interval '1 microsecond'", $time : undef }
sub lease { my ($o) = @_; return $o->{over} ? '1 microsecond' : '1 hour' }
sub vars_text { my ($vars) = @_; return '{' . join(', ', map { qq("$_": ) . ($vars->{$_} // 'null') } sort keys %$vars) . '}' }

sub entry {
    my ($row) = @_;
    my ($ref_type, $ref_id, $reason) = split /\|/, $row->{reference} // '';
    my %entry = (pass_id => $row->{pass}, delta => $row->{delta} + 0, reason => $reason // 'random');
    @entry{qw(ref_type ref_id)} = ($ref_type, $ref_id) if $row->{reference};
    $entry{txn_id} = $row->{txn} if defined $row->{txn};
    $entry{expires_at} = utc($row->{ends}) if defined $row->{ends};
    $entry{allow_negative} = JSON::PP::true if $row->{allow_negative};
    return \%entry;
}

sub step_entry {
    my ($step) = @_;
    my %entry = (step_type => $step->{type}, input => { n => $step->{input} });
    $entry{at_step} = $step->{number} if defined $step->{number};
    $entry{mma_status} = $step->{status} if defined $step->{status};
    return \%entry;
}

sub event_entry {
    my ($event) = @_;
    my %entry = (pass_id => $event->{pass}, event_type => $event->{type}, event_id => $event->{id});
    $entry{generation_id} = $event->{generation} if defined $event->{generation};
    $entry{created_at} = utc($event->{time}) if defined $event->{time};
    return encode_json(\%entry) =~ s/\}$/', "payload": ' . payload_of($event) . '}'/er;
}

sub payload_of { my ($event) = @_; return $event->{text} // mega_model::payload_text($event->{payload}) }
sub utc { my ($time) = @_; return POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime int($time / 1_000_000)) . sprintf '.%06d+00', $time % 1_000_000 }

# A raw row as the columns that raw_sql names.
sub columns_of {
    my ($row) = @_;
    if ($row->{kind} eq 'credit') {
        my ($type, $id, $reason) = split /\|/, $row->{reference} // '';
        return ("credit_transaction:$row->{txn}", $row->{pass}, $row->{bad} ? undef : $row->{delta}, $reason // 'raw', $type, $id, undef, undef, '{}', undef, undef);
    }
    if ($row->{kind} eq 'event') {
        my $meta = sprintf '{"event_type": "%s", "payload": %s}', $row->{type}, payload_of($row);
        return ("mma_event:$row->{id}", $row->{pass}, undef, undef, undef, undef, utc($row->{time}), undef, $meta, undef, $row->{about});
    }
    my $payload = $row->{bad} ? qq({"input": $row->{input}}) : qq({"input": {"n": $row->{input}}, "output": {}});
    return ("mma_step:$row->{generation}:$row->{number}", undef, undef, undef, undef, undef, undef, $row->{type}, '{}', $payload, undef);
}

sub raw_sql {
    my ($operation) = @_;
    my $into = 'mega_generations (mg_id, mg_pass_id, mg_delta, mg_reason, mg_ref_type, mg_ref_id, mg_created_at, mg_step_type, mg_meta, mg_payload, mg_generation_id)';
    my @rows = map { [ columns_of($_) ] } @{ $operation->{rows} };
    return "INSERT INTO $into VALUES " . join(', ', map { my @values = @$_; '(' . join(', ', map { literal($_) } @values) . ')' } @rows) if !$operation->{copied};
    my $file = "$files/copy-" . mega_operations::fresh();
    open my $out, '>', $file or die "$file: $!";
    print $out join("\t", map { defined $_ ? $_ : '\N' } @$_), "\n" for @rows;
    close $out;
    return "COPY $into FROM '$file'";
}

my %sql = (
    record => sub {
        my ($o) = @_;
        my ($type, $id, $reason) = map { literal($_) } split /\|/, $o->{reference} // 'a|b|random';
        return "SELECT mg_credits, replayed FROM mega_record_credit('$o->{pass}', $o->{delta}, $reason"
          . ($o->{reference} ? ", ref_type => $type, ref_id => $id" : '') . argument('txn_id', defined $o->{txn} ? literal($o->{txn}) : undef)
          . argument('expires_at', moment($o->{ends})) . ($o->{allow_negative} ? ', allow_negative => true' : '') . ')';
    },
    lots => sub { my ($o) = @_; return "SELECT mg_id, granted, remaining FROM mega_credit_lots('$o->{pass}')" },
    hold => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_hold_credit('$o->{pass}', $o->{amount}, '$o->{id}')" },
    settle => sub {
        my ($o) = @_;
        return "SELECT outcome, mg_credits FROM mega_capture_credit('$o->{id}'" . argument('amount', $o->{amount}) . ')' if $o->{way} eq 'capture';
        return "SELECT outcome, mg_credits FROM mega_release_credit('$o->{id}')";
    },
    refund => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_refund_credit('$o->{txn}', '$o->{id}'" . argument('amount', $o->{amount}) . ')' },
    revoke => sub {
        my ($o) = @_;
        return "SELECT mg_credits, revoked, replayed FROM mega_revoke_credit('$o->{id}', '$o->{txn}'" . argument('amount', $o->{amount}) . argument('up_to', $o->{up_to}) . ')';
    },
    transfer => sub { my ($o) = @_; return "SELECT * FROM mega_transfer_credit('$o->{from}', '$o->{to}', " . ($o->{amount} // 'NULL') . ", '$o->{id}')" },
    batch => sub { my ($o) = @_; return 'SELECT * FROM mega_record_credits(' . mega_test::quoted(encode_json([ map { entry($_) } @{ $o->{entries} } ])) . ')' },
    auto => sub {
        my ($o) = @_;
        return sprintf "UPDATE mega_customers SET mg_auto_topup_enabled = %s, mg_topup_default_packs = %s, mg_auto_topup_monthly_limit_packs = %s WHERE mg_pass_id = '%s'",
          $o->{on} ? 'true' : 'false', $o->{packs} // 'NULL', $o->{limit} // 'NULL', $o->{pass};
    },
    charge => sub { my ($o) = @_; return "SELECT mg_pass_id, packs, topup_id FROM mega_claim_topups($o->{threshold}, $o->{most}, '" . lease($o) . "')" },
    decline => sub { my ($o) = @_; return "SELECT mega_release_topup_claim('$o->{claim}'" . argument('retry_at', $o->{later} ? q{now() + interval '1 day'} : undef) . ')' },
    due => sub { my ($o) = @_; return "SELECT mg_pass_id, mg_credits, packs FROM mega_topup_due($o->{threshold})" },
    topup => sub {
        my ($o) = @_;
        my ($type, $id) = split /\|/, $o->{reference} // '';
        return "SELECT mg_credits, replayed FROM mega_record_topup('$o->{pass}', credits_per_pack => $o->{per}" . argument('packs', $o->{packs})
          . ($o->{reference} ? ", ref_type => '$type', ref_id => '$id'" : '') . ($o->{automatic} ? ', automatic => true' : '')
          . argument('topup_id', defined $o->{claim} ? literal($o->{claim}) : undef) . ')';
    },
    raw => \&raw_sql,
    event => sub {
        my ($o) = @_;
        return "SELECT replayed FROM mega_record_mma_event('$o->{pass}', '$o->{type}', " . mega_test::quoted(payload_of($o))
          . argument('generation_id', defined $o->{generation} ? literal($o->{generation}) : undef) . ", event_id => '$o->{id}'" . argument('created_at', moment($o->{time})) . ')';
    },
    create => sub { my ($o) = @_; return "SELECT created FROM mega_create_generation('$o->{pass}', '$o->{id}')" },
    delete => sub {
        my ($o) = @_;
        return "UPDATE mega_generations SET mg_deleted_at = NULL WHERE mg_id = 'generation:$o->{id}'" if $o->{back};
        return "SELECT changed FROM mega_delete_generation('$o->{id}')";
    },
    look => sub {
        my ($o) = @_;
        return "SELECT mg_pass_id, mg_mma_status, mg_status, mg_output_url, mg_parent_id, steps, scan_lines FROM mega_generation('$o->{id}'" . argument('pass_id', defined $o->{pass} ? literal($o->{pass}) : undef) . ')';
    },
    history => sub { my ($o) = @_; return "SELECT mg_generation_id FROM mega_generation_history('$o->{pass}', $o->{most}" . argument('mma_status', defined $o->{status} ? literal($o->{status}) : undef) . ')' },
    likes => sub { my ($o) = @_; return "SELECT mg_id, mg_generation_id FROM mega_likes('$o->{pass}', $o->{most})" },
    balance => sub { my ($o) = @_; return "SELECT mg_credits, held, spendable FROM mega_balance('$o->{pass}')" },
    update => sub {
        my ($o) = @_;
        return "UPDATE mega_generations SET mg_mma_status = '$o->{status}' WHERE mg_id = 'generation:$o->{id}'" if $o->{raw};
        return "SELECT mg_mma_status FROM mega_update_generation('$o->{id}', " . literal($o->{status}) . argument('vars', $o->{vars} ? mega_test::quoted(vars_text($o->{vars})) : undef) . ')';
    },
    end => sub {
        my ($o) = @_;
        my $hold = argument('hold_id', defined $o->{hold} ? literal($o->{hold}) : undef);
        return "SELECT mg_mma_status FROM mega_complete_generation('$o->{id}', '$o->{url}'$hold)" if $o->{way} eq 'done';
        return "SELECT mg_mma_status FROM mega_fail_generation('$o->{id}', 'broken'$hold)";
    },
    step => sub {
        my ($o) = @_;
        return "SELECT mg_step_no, replayed FROM mega_append_mma_step('$o->{generation}', '$o->{type}', '{\"n\": $o->{input}}'" . argument('at_step', $o->{number})
          . argument('mma_status', defined $o->{status} ? literal($o->{status}) : undef) . ')';
    },
    steps => sub { my ($o) = @_; return "SELECT * FROM mega_append_mma_steps('$o->{generation}', " . mega_test::quoted(encode_json([ map { step_entry($_) } @{ $o->{entries} } ])) . ')' },
    events => sub { my ($o) = @_; return 'SELECT * FROM mega_record_mma_events(' . mega_test::quoted('[' . join(', ', map { event_entry($_) } @{ $o->{entries} }) . ']') . ')' },
    claim => sub { my ($o) = @_; return "SELECT mg_generation_id, mg_mma_status, attempt FROM mega_claim_generations('$o->{worker}', $o->{most}, '" . lease($o) . "')" },
    extend => sub { my ($o) = @_; return "SELECT mega_extend_claim('$o->{id}', '$o->{worker}', '" . lease($o) . "')" },
    usage => sub {
        my ($o) = @_;
        return "SELECT sum(granted - spent + returned - expired), sum(movements) FROM mega_usage('$o->{pass}', now() - interval '1 day', now() + interval '1 minute', '$o->{by}')";
    },
    tweak => sub {
        my ($o) = @_;
        return "SELECT created FROM mega_tweak_generation('$o->{parent}', '$o->{id}', " . mega_test::quoted(mega_model::payload_text($o->{payload})) . ", '$o->{event}')";
    },
    feedback => sub {
        my ($o) = @_;
        return "SELECT created FROM mega_record_feedback('$o->{pass}', '$o->{id}'" . argument('generation_id', defined $o->{generation} ? literal($o->{generation}) : undef) . ", comment => 'dark')";
    },
    scan => sub { my ($o) = @_; return "SELECT mega_append_scan_line('$o->{id}', 'a line')" },
    guest => sub { my ($o) = @_; return "SELECT created FROM mega_ensure_customer('$o->{pass}')" },
    merge => sub { my ($o) = @_; return "SELECT mg_credits, replayed FROM mega_merge_customers('$o->{source}', '$o->{target}')" },
    erase => sub { my ($o) = @_; return "SELECT mg_pass_id FROM mega_erase_customer('$o->{pass}')" },
    theme => sub { my ($o) = @_; return "UPDATE mega_customers SET mg_mma_preferences = mg_mma_preferences || '{\"theme\": $o->{theme}}' WHERE mg_pass_id = '$o->{pass}'" },
    forbidden => sub { return $_[0]{sql} },
);
sub sql_of { my ($operation) = @_; return $sql{ $operation->{kind} }->($operation) }

1;
