// Names that the Python original's files hold beside the keys used here. They steer its trading, not its purging, so a
// file taken over from it is accepted: each is reported as having no effect. Any other unknown key is refused.

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const originalPolicyKeys = {
  purge_execution: words("maker_ttl_sec maker_first_ttl_sec maker_retry_ttl_sec poll_interval_seconds"),
  portfolio_management: words(`
    auto_trim_to_risk_cap trim_target_buffer_pct trim_tolerance_pct trim_min_value_usd trim_max_liquidations
    trim_preferred_quotes trim_slippage_buffer_pct auto_rebalance_worst_performer max_trim_failures_before_alert`),
  execution: words(`
    maker_fee_bps taker_fee_bps default_order_type maker_first maker_max_reprices maker_max_ttl_sec
    maker_first_min_ttl_sec maker_retry_min_ttl_sec maker_reprice_decay purge_maker_ttl_sec taker_fallback prefer_ioc
    taker_max_slippage_bps auto_convert_preferred_quote clamp_small_trades small_order_market_threshold_usd
    allow_min_bump_in_risk post_trade_reconcile_wait_seconds failed_order_cooldown_seconds preferred_quote_currencies
    max_slippage_bps hard_max_spread_bps slippage_budget_t1_bps slippage_budget_t2_bps slippage_budget_t3_bps
    cancel_after_seconds post_only_ttl_seconds partial_fill_min_pct max_order_age_seconds limit_offset_bps
    limit_timeout_seconds require_fill_confirmation fill_timeout_seconds max_retries retry_delay_seconds
    cancel_retry_backoff_ms promote_to_taker_if_budget_allows taker_promotion_requirements high_volatility`),
  risk: words(`
    max_total_at_risk_pct count_external_positions managed_position_tag external_exposure_buffer_pct
    max_position_size_pct max_per_asset_pct min_position_size_pct max_open_positions max_per_theme_pct
    daily_stop_pnl_pct weekly_stop_pnl_pct max_drawdown_pct max_trades_per_day max_trades_per_hour
    max_new_trades_per_hour min_seconds_between_trades per_symbol_trade_spacing_seconds cooldown_after_loss_trades
    cooldown_minutes per_symbol_cooldown_enabled per_symbol_cooldown_minutes per_symbol_cooldown_after_stop
    per_symbol_cooldown_win_minutes per_symbol_cooldown_loss_minutes min_trade_notional_usd
    allow_adds_when_over_cap count_open_orders_in_cap allow_pyramiding pyramid_cooldown_seconds
    max_adds_per_asset_per_day stop_loss_pct take_profit_pct`),
  liquidity: words(`
    min_24h_volume_usd max_spread_bps min_depth_20bps_usd require_depth_mult spreads_bps min_depth_floor_usd
    slippage_budget_bps price_move volume_spike breakout min_score`),
  eligibility_persistence: words("eligible_grace_cycles"),
  microstructure: words(
    "max_expected_slippage_bps min_24h_volume_usd max_spread_bps min_orderbook_depth_usd",
  ),
  loop: words("universe_cache_seconds"),
} as const;

export const originalUniverseKeys = {
  exclusions: words("red_flags temporary_ban_hours"),
} as const;
